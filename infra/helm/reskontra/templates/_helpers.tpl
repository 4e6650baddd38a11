{{- define "reskontra.labels" -}}
app.kubernetes.io/name: reskontra
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "reskontra.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "reskontra.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "reskontra.container" -}}
image: {{ include "reskontra.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
envFrom:
  - secretRef: { name: {{ .Values.secret | quote }} }
env:
  - { name: AWS_REGION, value: us-east-1 }
  {{- with .Values.storeEndpoint }}
  - { name: AWS_ENDPOINT, value: {{ . | quote }} }
  {{- end }}
volumeMounts:
  - { name: configuration, mountPath: /etc/reskontra, readOnly: true }
  - { name: landing, mountPath: /landing, readOnly: true }
  - { name: work, mountPath: /work }
{{- end }}

{{- define "reskontra.volumes" -}}
- name: configuration
  configMap: { name: {{ .Release.Name }}-configuration }
- name: landing
  persistentVolumeClaim: { claimName: {{ .Values.landingClaim | quote }}, readOnly: true }
- name: work
  emptyDir: { sizeLimit: {{ .Values.workSize }} }
{{- end }}

{{- define "reskontra.process" }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .root.Release.Name }}-{{ .name }}
  labels:
    {{- include "reskontra.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .name }}
spec:
  replicas: {{ .replicas }}
  {{- if ne .step "serve" }}
  # Two writers at once would fence each other: the old one goes first.
  strategy: { type: Recreate }
  {{- end }}
  selector:
    matchLabels:
      app.kubernetes.io/name: reskontra
      app.kubernetes.io/instance: {{ .root.Release.Name }}
      app.kubernetes.io/component: {{ .name }}
  template:
    metadata:
      labels:
        {{- include "reskontra.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .name }}
      annotations:
        checksum/configuration: {{ include (print .root.Template.BasePath "/configuration.yaml") .root | sha256sum }}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: {{ add .root.Values.stopSeconds 10 }}
      securityContext: {{- include "reskontra.podSecurity" .root | nindent 8 }}
      containers:
        - name: {{ .step }}
          args: {{ toJson .args }}
          {{- include "reskontra.container" .root | nindent 10 }}
          ports:
            {{- if eq .step "serve" }}
            - { name: http, containerPort: 8080 }
            {{- end }}
            - { name: metrics, containerPort: 9464 }
          startupProbe:
            httpGet: { path: /healthz, port: metrics }
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /healthz, port: metrics }
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            httpGet: { path: /readyz, port: metrics }
            periodSeconds: 10
            timeoutSeconds: 6
          resources: {{- toYaml (ternary .root.Values.resources.serve .root.Values.resources.step (eq .step "serve")) | nindent 12 }}
      volumes: {{- include "reskontra.volumes" .root | nindent 8 }}
{{- end }}
