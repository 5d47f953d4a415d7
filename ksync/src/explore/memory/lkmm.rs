pub use super::rc11::Rc11 as Lkmm;
