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
