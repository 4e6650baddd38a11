//! How a plan falls apart by the value of an expression over its rows.
//!
//! A plan *falls apart* by an expression when its rows with one value of it depend, in some of the tables that the
//! plan reads, only on the rows with the same value of some expression there: `plan(tables where e = v)` is
//! `plan(tables) where key = v`. A change of such rows can then be carried through by computing those values again.
//!
//! [`step`] is the whole rule book: how one operator hands an expression down to its inputs. Everything else walks
//! it: [`Partition`] tells people how a job is refreshed, [`crate::refresh`] does it.

use std::fmt;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType};
use datafusion::logical_expr::{Aggregate, Distinct, Expr, Join, LogicalPlan, TableScan, Unnest, Window, ident};

/// An expression by which a plan falls apart, and what that means for each of its scans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The column of the plan's result.
    pub column: String,
    /// Its scans, in the order in which a traversal of the plan meets them.
    pub scans: Vec<Scan>,
}

/// A scan of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The table.
    pub table: String,
    /// How it is read.
    pub role: Role,
}

/// How a scan is read when some values of the partition's column are computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Only the rows with those values of this expression.
    Keyed(String),
    /// Only the rows that join by this expression with what has been restricted before.
    Joined(String),
    /// All rows, for this reason.
    Whole(Blocked),
}

/// What keeps a plan, or a part of it, from falling apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocked(pub(crate) String);

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Partition {
    /// The columns of `columns` by which `plan` falls apart; the one by which most scans are keyed first.
    ///
    /// # Errors
    /// When there is none: for each column the operator that prevents it.
    pub fn of(plan: &LogicalPlan, columns: &[String]) -> Result<Vec<Self>, Vec<(String, Blocked)>> {
        let mut found = Vec::new();
        let mut blocked = Vec::new();
        for column in columns {
            match Self::by(plan, column) {
                Ok(partition) => found.push(partition),
                Err(reason) => blocked.push((column.clone(), reason)),
            }
        }
        // The sort is stable: of equals, the first of the key stays first.
        found.sort_by_key(|partition| std::cmp::Reverse(partition.keyed().count()));
        if found.is_empty() { Err(blocked) } else { Ok(found) }
    }

    /// The partition of `plan` by a column of its result.
    ///
    /// # Errors
    /// The operator that prevents it.
    pub fn by(plan: &LogicalPlan, column: &str) -> Result<Self, Blocked> {
        let scans = restrict(plan, &key(plan, column)?)?;
        if scans.iter().any(|scan| matches!(scan.role, Role::Keyed(_))) {
            return Ok(Self { column: column.to_owned(), scans });
        }
        Err(Blocked(format!("no table carries {column}")))
    }

    /// The keyed scans: table and expression.
    pub fn keyed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.scans.iter().filter_map(|scan| match &scan.role {
            Role::Keyed(expression) => Some((scan.table.as_str(), expression.as_str())),
            Role::Joined(_) | Role::Whole(_) => None,
        })
    }
}

/// A column of the plan's result as an expression.
///
/// # Errors
/// When there is no such column, or a subquery inside an expression hides scans; the optimiser turns all it can into
/// joins.
pub fn key(plan: &LogicalPlan, column: &str) -> Result<Expr, Blocked> {
    let hidden = plan.exists(|node| {
        let mut found = false;
        node.apply_expressions(|expression| {
            found |= expression
                .exists(|e| Ok(matches!(e, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_))))?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(found)
    });
    if !matches!(hidden, Ok(false)) {
        return Err(Blocked("a subquery that is no join".to_owned()));
    }
    let index = plan.schema().index_of_column_by_name(None, column);
    let index = index.ok_or_else(|| Blocked(format!("the result has no column {column}")))?;
    Ok(Expr::Column(Column::from(plan.schema().qualified_field(index))))
}

/// How an operator hands an expression over its rows down to its inputs.
#[derive(Debug)]
pub enum Step<'p> {
    /// It reads a table.
    Scan(&'p TableScan),
    /// Each input falls apart by its expression; all rows of one value depend on the inputs' rows of that value.
    Inputs(Vec<(&'p LogicalPlan, Expr)>),
    /// The rows come from one side of a join; the other side is looked up.
    Join(Sides<'p>),
    /// Rows of one value depend on their neighbours, too: the rows that are equal to them in something else.
    Bridge(Bridge<'p>),
}

/// An operator that looks at rows together which differ in an expression, such as a window that ranks the payments of
/// one item where the expression is the payment.
#[derive(Debug)]
pub struct Bridge<'p> {
    /// What it reads.
    pub input: &'p LogicalPlan,
    /// The expression there.
    pub own: Expr,
    /// What neighbours have in common.
    pub by: Expr,
}

/// The two sides of a join, seen from the one that an expression belongs to.
#[derive(Debug)]
pub struct Sides<'p> {
    /// The side that the expression belongs to.
    pub mine: &'p LogicalPlan,
    /// The expression there.
    pub own: Expr,
    /// The side that is looked up.
    pub other: &'p LogicalPlan,
    /// Equal expressions: of `mine`, of `other`.
    pub pairs: Vec<(Expr, Expr)>,
    /// Rows without partner are dropped: it is enough when either side falls apart.
    pub inner: bool,
    /// `mine` is the left side.
    pub left: bool,
}

impl Sides<'_> {
    /// The two in the order of the join's inputs.
    pub fn in_order<T>(&self, mine: T, other: T) -> Vec<T> {
        if self.left { vec![mine, other] } else { vec![other, mine] }
    }

    /// The expressions of `other` that equal `own`.
    pub fn partners(&self) -> impl Iterator<Item = &Expr> {
        self.pairs.iter().filter(|(mine, _)| *mine == self.own).map(|(_, other)| other)
    }
}

/// What `plan` makes of an expression over its rows.
///
/// # Errors
/// Why it does not fall apart by it.
pub fn step<'p>(plan: &'p LogicalPlan, expression: &Expr) -> Result<Step<'p>, Blocked> {
    let one = |input: &'p LogicalPlan, expression: Expr| Ok(Step::Inputs(vec![(input, expression)]));
    if expression.column_refs().is_empty() {
        return Err(Blocked(format!("{} is the same in every row", short(expression))));
    }
    match plan {
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() => Ok(Step::Scan(scan)),
        LogicalPlan::SubqueryAlias(alias) => one(&alias.input, renamed(expression, plan, &alias.input)?),
        LogicalPlan::Filter(filter) => one(&filter.input, expression.clone()),
        LogicalPlan::Repartition(repartition) => one(&repartition.input, expression.clone()),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => one(&sort.input, expression.clone()),
        LogicalPlan::Distinct(Distinct::All(input)) => one(input, expression.clone()),
        LogicalPlan::Projection(projection) => {
            let at = |column: &Column| {
                let index = projection.schema.index_of_column(column).ok()?;
                projection.expr.get(index).cloned()
            };
            one(&projection.input, substitute(expression, at)?)
        }
        LogicalPlan::Aggregate(aggregate) => one(&aggregate.input, of_groups(aggregate, expression)?),
        LogicalPlan::Window(window) => of_window(window, expression),
        LogicalPlan::Unnest(unnest) => one(&unnest.input, of_unnest(unnest, expression)?),
        LogicalPlan::Union(union) => {
            let inputs = union.inputs.iter().map(|input| Ok((input.as_ref(), renamed(expression, plan, input)?)));
            Ok(Step::Inputs(inputs.collect::<Result<_, _>>()?))
        }
        LogicalPlan::Join(join) => match either_side(join, expression) {
            Some((left, right)) => Ok(Step::Inputs(vec![(&join.left, left), (&join.right, right)])),
            None => of_join(join, expression).map(Step::Join),
        },
        LogicalPlan::EmptyRelation(_) => Ok(Step::Inputs(Vec::new())),
        LogicalPlan::Limit(_) | LogicalPlan::Sort(_) | LogicalPlan::TableScan(_) => {
            Err(Blocked("limit chooses among all rows".to_owned()))
        }
        LogicalPlan::Distinct(Distinct::On(_)) => Err(Blocked("distinct on chooses among all rows".to_owned())),
        other => Err(Blocked(format!("the operator {}", other.display()))),
    }
}

/// The roles of the scans of `plan` when its result is restricted to some values of an expression.
pub fn restrict(plan: &LogicalPlan, expression: &Expr) -> Result<Vec<Scan>, Blocked> {
    match step(plan, expression)? {
        Step::Scan(scan) => {
            let table = scan.table_name.table().to_owned();
            Ok(vec![Scan { table, role: Role::Keyed(short(expression)) }])
        }
        Step::Inputs(inputs) => {
            let scans = inputs.iter().map(|(input, expression)| restrict(input, expression));
            Ok(scans.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Step::Join(sides) => {
            let unjoined = Blocked(format!("it is joined without {}", short(&sides.own)));
            let direct = sides.partners().find_map(|partner| restrict(sides.other, partner).ok()).ok_or(unjoined);
            let (mine, other) = match (restrict(sides.mine, &sides.own), direct) {
                (Ok(mine), Ok(other)) => (mine, other),
                (Ok(mine), Err(reason)) => (mine, looked_up(&sides, &reason)),
                (Err(reason), Ok(other)) if sides.inner => (whole(sides.mine, &reason), other),
                (Err(reason), _) => return Err(reason),
            };
            Ok(sides.in_order(mine, other).concat())
        }
        Step::Bridge(bridge) => {
            restrict(bridge.input, &bridge.by)?;
            restrict(bridge.input, &bridge.own)
        }
    }
}

/// The scans of the other side of a join, which is restricted to what the first one looks up in it.
fn looked_up(sides: &Sides<'_>, reason: &Blocked) -> Vec<Scan> {
    let by_pair = sides.pairs.iter().find_map(|(_, other)| restrict(sides.other, other).ok());
    match by_pair {
        Some(scans) => scans
            .into_iter()
            .map(|scan| match scan.role {
                Role::Keyed(expression) => Scan { table: scan.table, role: Role::Joined(expression) },
                _ => scan,
            })
            .collect(),
        None => whole(sides.other, reason),
    }
}

/// Every scan below `plan`, read whole.
fn whole(plan: &LogicalPlan, reason: &Blocked) -> Vec<Scan> {
    let role = Role::Whole(reason.clone());
    tables(plan).into_iter().map(|table| Scan { table, role: role.clone() }).collect()
}

/// The tables that `plan` scans, in the order of its traversal.
pub fn tables(plan: &LogicalPlan) -> Vec<String> {
    let mut tables = Vec::new();
    // The visitor never fails.
    let _ = plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            tables.push(scan.table_name.table().to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    tables
}

/// The expression over the columns of an input that has the same columns in the same places under other names.
fn renamed(expression: &Expr, plan: &LogicalPlan, input: &LogicalPlan) -> Result<Expr, Blocked> {
    let at = |column: &Column| {
        let index = plan.schema().index_of_column(column).ok()?;
        Some(Expr::Column(Column::from(input.schema().qualified_field(index))))
    };
    substitute(expression, at)
}

fn of_groups(aggregate: &Aggregate, expression: &Expr) -> Result<Expr, Blocked> {
    if aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_))) {
        return Err(Blocked("grouping sets".to_owned()));
    }
    let at = |column: &Column| {
        let index = aggregate.schema.index_of_column(column).ok()?;
        aggregate.group_expr.get(index).cloned()
    };
    substitute(expression, at).map_err(|Blocked(name)| Blocked(format!("{name} is not what the rows are grouped by")))
}

fn of_window<'p>(window: &'p Window, expression: &Expr) -> Result<Step<'p>, Blocked> {
    let input = window.input.schema();
    let of_input = |column: &&Column| input.index_of_column(column).is_err();
    if let Some(column) = expression.column_refs().into_iter().find(of_input) {
        return Err(Blocked(format!("{} is computed by a window", column.name())));
    }
    let columns = expression.column_refs();
    // What the rows that are looked at together have in common, when they can differ in the expression.
    let mut common: Option<Vec<Expr>> = None;
    for function in &window.window_expr {
        let Expr::WindowFunction(call) = function.clone().unalias_nested().data else {
            return Err(Blocked(format!("the window {}", short(function))));
        };
        let partition = &call.params.partition_by;
        let determined = partition.iter().any(|by| same(&window.input, by, expression))
            || columns.iter().all(|column| partition.iter().any(|by| matches!(by, Expr::Column(by) if by == *column)));
        if !determined {
            let before = common.unwrap_or_else(|| partition.clone());
            let both: Vec<Expr> = before.into_iter().filter(|by| partition.contains(by)).collect();
            if both.is_empty() {
                let reason = format!("the window {} is not partitioned by {}", short(function), short(expression));
                return Err(Blocked(reason));
            }
            common = Some(both);
        }
    }
    let (input, own) = (window.input.as_ref(), expression.clone());
    let Some(common) = common else { return Ok(Step::Inputs(vec![(input, own)])) };
    let mut reason = Blocked(String::new());
    for by in common {
        match restrict(input, &by) {
            Ok(_) => return Ok(Step::Bridge(Bridge { input, own, by })),
            Err(because) => reason = Blocked(format!("a window over {}, and {because}", short(&by))),
        }
    }
    Err(reason)
}

/// True when two expressions are known to be equal in every row of `plan`.
fn same(plan: &LogicalPlan, a: &Expr, b: &Expr) -> bool {
    if a == b {
        return true;
    }
    match plan {
        LogicalPlan::Filter(filter) => same(&filter.input, a, b),
        LogicalPlan::SubqueryAlias(alias) => {
            let renamed = |e: &Expr| renamed(e, plan, &alias.input);
            matches!((renamed(a), renamed(b)), (Ok(a), Ok(b)) if same(&alias.input, &a, &b))
        }
        LogicalPlan::Projection(projection) => {
            let at = |column: &Column| {
                let index = projection.schema.index_of_column(column).ok()?;
                projection.expr.get(index).cloned()
            };
            matches!((substitute(a, at), substitute(b, at)), (Ok(a), Ok(b)) if same(&projection.input, &a, &b))
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            join.on.iter().any(|(left, right)| (left == a && right == b) || (left == b && right == a))
        }
        _ => false,
    }
}

fn of_unnest(unnest: &Unnest, expression: &Expr) -> Result<Expr, Blocked> {
    let input = unnest.input.schema();
    let at = |column: &Column| {
        let index = unnest.schema.index_of_column(column).ok()?;
        let from = *unnest.dependency_indices.get(index)?;
        let taken_apart = unnest.list_type_columns.iter().any(|(list, _)| *list == from)
            || unnest.struct_type_columns.contains(&from);
        (!taken_apart).then(|| Expr::Column(Column::from(input.qualified_field(from))))
    };
    substitute(expression, at).map_err(|Blocked(name)| Blocked(format!("{name} comes out of a list")))
}

/// `coalesce(a, b)` over a full join on `a = b`, also as the optimiser writes it, is the key of either side.
fn either_side(join: &Join, expression: &Expr) -> Option<(Expr, Expr)> {
    let (a, b) = match expression {
        Expr::ScalarFunction(call) if call.func.name() == "coalesce" => match call.args.as_slice() {
            [a, b] => (a, b),
            _ => return None,
        },
        Expr::Case(case) => match (case.when_then_expr.as_slice(), &case.else_expr) {
            ([(when, then)], Some(or)) if matches!(when.as_ref(), Expr::IsNotNull(tested) if tested == then) => {
                (then.as_ref(), or.as_ref())
            }
            _ => return None,
        },
        _ => return None,
    };
    let equal = |(left, right): &&(Expr, Expr)| (left == a && right == b) || (left == b && right == a);
    (join.join_type == JoinType::Full).then(|| join.on.iter().find(equal).cloned()).flatten()
}

fn of_join<'p>(join: &'p Join, expression: &Expr) -> Result<Sides<'p>, Blocked> {
    use JoinType as T;
    let name = short(expression);
    let within = |schema: &DFSchema| expression.column_refs().iter().all(|c| schema.index_of_column(c).is_ok());
    let left = match join.join_type {
        T::RightSemi | T::RightAnti | T::RightMark => false,
        _ => within(join.left.schema()),
    };
    if !left && !within(join.right.schema()) {
        return Err(Blocked(format!("{name} is made from both sides of a join")));
    }
    let kept = match join.join_type {
        T::Inner | T::LeftSemi | T::RightSemi | T::LeftAnti | T::RightAnti | T::LeftMark | T::RightMark => true,
        T::Left => left,
        T::Right => !left,
        T::Full => false,
    };
    if !kept {
        let reason = format!("{name} comes from a side of a {} join that can be missing", join.join_type);
        return Err(Blocked(reason));
    }
    if join.null_aware {
        return Err(Blocked("not in: one null decides for every row".to_owned()));
    }
    let (mine, other) = if left { (&join.left, &join.right) } else { (&join.right, &join.left) };
    let pair = |(l, r): &(Expr, Expr)| if left { (l.clone(), r.clone()) } else { (r.clone(), l.clone()) };
    let pairs = join.on.iter().map(pair).collect();
    Ok(Sides { mine, own: expression.clone(), other, pairs, inner: join.join_type == T::Inner, left })
}

/// The expression with each column replaced.
///
/// # Errors
/// The name of a column for which there is nothing.
fn substitute(expression: &Expr, at: impl Fn(&Column) -> Option<Expr>) -> Result<Expr, Blocked> {
    let mut missing = None;
    let replaced = expression.clone().transform_up(|e| match &e {
        Expr::Column(column) => match at(column) {
            Some(found) => Ok(Transformed::yes(found)),
            None => {
                missing = Some(column.name().to_owned());
                Ok(Transformed::no(e))
            }
        },
        _ => Ok(Transformed::no(e)),
    });
    match (missing, replaced) {
        (None, Ok(replaced)) => Ok(replaced.data.unalias_nested().data),
        (Some(name), _) => Err(Blocked(name)),
        (None, Err(error)) => Err(Blocked(error.strip_backtrace())),
    }
}

/// An expression as an author can read it, cut where it is long.
fn short(expression: &Expr) -> String {
    const SHOWN: usize = 80;
    let text = match expression {
        Expr::Column(column) => ident(column.name()).human_display().to_string(),
        other => other.human_display().to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};
    use futures::executor::block_on;

    use super::*;

    /// The roles of the scans of a statement over the tables `a(k, x)`, `b(k, x)` and `c(k, x)`, by its column `k`.
    fn by_k(sql: &str) -> Result<String, String> {
        let library = crate::Library::parse(std::path::Path::new("sql"), crate::files::Files::default()).unwrap();
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 31).unwrap();
        let context = crate::Planner::new(&library, day).small_session().unwrap();
        let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
        for name in ["a", "b", "c"] {
            let field = |name: &str| Field::new(name, DataType::Utf8, true);
            let schema = Schema::new(vec![field("k"), field("x"), Field::new("xs", list.clone(), true)]);
            crate::planner::register_empty(&context, name, Arc::new(schema)).unwrap();
        }
        let plan = block_on(context.state().create_logical_plan(sql)).unwrap();
        let plan = context.state().optimize(&plan).unwrap();
        let partition = Partition::by(&plan, "k").map_err(|blocked| blocked.to_string())?;
        let role = |scan: Scan| match scan.role {
            Role::Keyed(by) => format!("{} keyed by {by}", scan.table),
            Role::Joined(by) => format!("{} joined by {by}", scan.table),
            Role::Whole(_) => format!("{} whole", scan.table),
        };
        Ok(partition.scans.into_iter().map(role).collect::<Vec<_>>().join(", "))
    }

    #[track_caller]
    fn falls_apart(sql: &str, scans: &str) {
        assert_eq!(by_k(sql).as_deref(), Ok(scans), "{sql}");
    }

    #[track_caller]
    fn is_whole(sql: &str, reason: &str) {
        let found = by_k(sql).unwrap_err();
        assert!(found.contains(reason), "{sql}\n{found}");
    }

    #[test]
    fn a_column_is_followed_through_names_filters_groups_and_windows() {
        falls_apart("select x as k from (select k as x from a where x > 'm')", "a keyed by k");
        falls_apart("select k, count(*) from a group by k, x", "a keyed by k");
        falls_apart("select distinct k, x from a", "a keyed by k");
        falls_apart("select k, row_number() over (partition by x, k order by x) from a", "a keyed by k");
        falls_apart("select k from a union all select x from b", "a keyed by k, b keyed by x");
        falls_apart("select k, unnest(xs) from a", "a keyed by k");
    }

    #[test]
    fn a_computed_key_is_as_good_as_a_column() {
        falls_apart("select concat(k, x) as k from a", "a keyed by concat(a.k, a.x)");
        falls_apart("select concat(k, x) as k, count(*) from a group by k, x", "a keyed by concat(a.k, a.x)");
    }

    #[test]
    fn the_other_side_of_a_join_is_keyed_joined_or_whole() {
        falls_apart("select a.k, b.x from a join b on a.k = b.k", "a keyed by k, b keyed by k");
        falls_apart("select a.k, b.x from a left join b on a.k = b.k", "a keyed by k, b keyed by k");
        falls_apart(
            "select a.k from a where not exists (select 1 from b where b.k = a.k)",
            "a keyed by k, b keyed by k",
        );
        falls_apart("select a.k, b.x from a join b on a.x = b.x", "a keyed by k, b joined by x");
        falls_apart("select a.k, b.x from a join b on a.x < b.x", "a keyed by k, b whole");
        let total = "select a.k, n from a cross join (select count(*) as n from b)";
        falls_apart(total, "a keyed by k, b whole");
    }

    #[test]
    fn a_full_join_is_keyed_on_both_sides() {
        falls_apart("select coalesce(a.k, b.k) as k from a full join b on a.k = b.k", "a keyed by k, b keyed by k");
        is_whole("select a.k from a full join b on a.k = b.k", "can be missing");
    }

    #[test]
    fn neighbours_in_a_window_are_found_by_what_they_have_in_common() {
        falls_apart("select k, row_number() over (partition by x order by k) from a", "a keyed by k");
        falls_apart(
            "select a.k, max(b.x) over (partition by a.x) from a join b on a.k = b.k",
            "a keyed by k, b keyed by k",
        );
        is_whole(
            "select k, row_number() over (partition by n) from (select k, count(*) over () as n from a)",
            "computed by a window",
        );
    }

    #[test]
    fn what_looks_across_keys_is_computed_in_full() {
        is_whole("select k, row_number() over (order by x) from a", "is not partitioned by k");
        is_whole("select k, x from a order by x limit 10", "limit");
        is_whole("select max(k) as k from a group by x", "grouped by");
        is_whole("select b.k from a left join b on a.x = b.x", "can be missing");
        is_whole("select unnest(xs) as k from a", "out of a list");
        is_whole("select 'one' as k from a", "the same in every row");
        is_whole("select k from a where k not in (select k from b)", "not in");
    }
}
