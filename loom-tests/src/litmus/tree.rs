// SPDX-License-Identifier: GPL-2.0-only
//! A litmus test as it is written.

/// An operator before its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op1 {
    /// `-`
    Minus,
    /// `!`
    Not,
    /// `~`
    Flip,
}

/// An operator between its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "C's own operators")]
pub enum Op2 {
    Or,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
    Shl,
    Shr,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

/// A use of one of the kernel's primitives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// As the kernel spells it.
    pub name: String,
    /// What it is given.
    pub args: Vec<Expr>,
    /// The line that it stands on.
    pub line: usize,
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// A number.
    Int(i64),
    /// A register, or a parameter: a pointer to the shared variable of that name.
    Name(String),
    /// A plain read; as an argument it says which word is meant.
    Deref(Box<Expr>),
    /// One operand.
    Unary(Op1, Box<Expr>),
    /// Two operands; both are evaluated, also those of `&&` and `||`.
    Binary(Op2, Box<Expr>, Box<Expr>),
    /// `a ? b : c`
    Select(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A primitive that returns something.
    Call(Call),
}

/// What an assignment changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A register.
    Name(String),
    /// A plain write to where this points.
    Deref(Expr),
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stmt {
    /// `target = value;`
    Assign(Target, Expr, usize),
    /// A call or another expression whose value nobody wants.
    Eval(Expr, usize),
    /// `if`, with what happens otherwise.
    If(Expr, Vec<Stmt>, Vec<Stmt>, usize),
    /// `while`
    While(Expr, Vec<Stmt>, usize),
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The shared variables that it may name.
    pub params: Vec<String>,
    /// What it does.
    pub body: Vec<Stmt>,
}

/// A place whose value is looked at in the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A process's register.
    Register(usize, String),
    /// A shared variable.
    Shared(String),
}

/// One side of an equation, or an initial value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A number.
    Int(i64),
    /// The address of a shared variable.
    Address(String),
    /// What another place holds in the end.
    Place(Place),
}

/// What is said of the final states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cond {
    /// `true` or `false`
    Always(bool),
    /// `place = value`
    Equal(Place, Operand),
    /// `~ condition`
    Not(Box<Cond>),
    /// `/\`
    And(Vec<Cond>),
    /// `\/`
    Or(Vec<Cond>),
}

/// Which final states the condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// `exists`: some state.
    Exists,
    /// `~exists`: no state.
    NotExists,
    /// `forall`: every state.
    Forall,
}

/// A whole test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What follows `C` on the first line.
    pub name: String,
    /// Initial values that are not 0.
    pub init: Vec<(Place, Operand)>,
    /// The processes, P0 first.
    pub processes: Vec<Process>,
    /// Places to be shown beside those of the condition.
    pub locations: Vec<Place>,
    /// States that do not count are those where this does not hold.
    pub filter: Option<Cond>,
    /// How the condition is meant.
    pub quantifier: Quantifier,
    /// What is asked.
    pub condition: Cond,
    /// What a `Result:` comment says, where there is one.
    pub result: Option<String>,
}
