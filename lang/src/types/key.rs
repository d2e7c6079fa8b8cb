//! Keys of types, with which values remember that they were checked.

use super::{Type, TypeId, Types};
use std::hash::{BuildHasher, Hash, Hasher};

impl Types {
    /// The key of a type: never 0, and in no other program that of another type.
    pub(super) fn key(&self, ty: &Type) -> u64 {
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        self.hash_type(ty, &mut hasher);
        hasher.finish().max(1)
    }

    fn hash_type<H: Hasher>(&self, ty: &Type, state: &mut H) {
        if let Type::Named(id, _) = ty {
            (0_u8, self.number.get(), self.last_name(*id)).hash(state);
            return;
        }
        std::mem::discriminant(ty).hash(state);
        match ty {
            Type::Nullable(inner) | Type::List(inner) => self.hash_type(inner, state),
            Type::Record(record) => {
                record.fields.len().hash(state);
                for field in &record.fields {
                    (&field.name, field.default.is_some()).hash(state);
                    self.hash_type(&field.ty, state);
                }
            }
            // Functions are checked for their number of parameters alone.
            Type::Function(function) => function.parameters.len().hash(state),
            Type::Never
            | Type::Any
            | Type::Null
            | Type::Bool
            | Type::Number
            | Type::Text
            | Type::DateTime
            | Type::Binary
            | Type::Named(..) => {}
        }
    }

    /// The last of a chain of bare names: `type a = b;` and `b` are one type.
    fn last_name(&self, id: TypeId) -> TypeId {
        let mut last = id;
        for _ in 0..=self.definitions.len() {
            match self.definition(last) {
                Type::Named(next, _) => last = *next,
                _ => break,
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_a_type() {
        let record = |ty: Type| Type::closed_record([("a".into(), ty)]);
        let define = |ty: Type| {
            let mut types = Types::default();
            let id = types.declare("r".into());
            types.define(id, record(ty));
            (types, Type::Named(id, "r".into()))
        };
        let (numbers, named) = define(Type::Number);
        let (texts, _) = define(Type::Text);
        assert_eq!(numbers.key(&named), numbers.key(&named));
        assert_ne!(numbers.key(&named), texts.key(&named));
        assert_ne!(numbers.key(&named), numbers.clone().key(&named));
        assert_ne!(numbers.key(&record(Type::Number)), numbers.key(&record(Type::Text)));
        assert_eq!(numbers.key(&record(Type::Text)), texts.key(&record(Type::Text)));
        assert_ne!(numbers.key(&Type::Number.many()), numbers.key(&Type::Number.nullable()));
    }
}
