//! A resource of the admin API: a table of operations, each with its method and path, the required role, and its text
//! in the OpenAPI document.

use super::output::{Answer, refusals};
use super::shapes::{Input, Schemas, Shapes, text};
use crate::engine::Role;
use crate::http::app::App;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter};
use std::future::Future;
use utoipa::openapi::path::{Operation as Described, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{HttpMethod, Required};

/// A resource: one file and one row of the table of resources.
pub struct Resource {
    /// The group of its operations in the OpenAPI document.
    pub tag: &'static str,
    /// Its operations.
    pub operations: &'static [Operation],
}

/// One operation. No field has a default.
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path below `/api/v1`.
    pub path: &'static str,
    /// The lowest role of a token that may use it.
    pub access: Role,
    /// The size of its answer.
    pub load: Load,
    /// Its name, unique among the operations of its tag.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The handler: `|| Call::of(list)`.
    pub call: fn() -> Call,
}

/// A method of an operation.
#[derive(Clone, Copy)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The size of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Small.
    Small,
    /// All inputs and results of a run: few such answers are made at a time.
    Run,
}

/// A handler with the descriptions of its types.
pub struct Call {
    on: Box<dyn FnOnce(MethodFilter) -> MethodRouter<App>>,
    shapes: Shapes,
}

/// A handler with these inputs.
pub trait Takes<Inputs> {
    /// Adds the descriptions of its inputs and its answer.
    fn describe(shapes: &mut Shapes);
}

macro_rules! takes {
    ($($input:ident)*) => {
        impl<H, F, $($input),*> Takes<($($input,)*)> for H
        where
            H: Fn($($input),*) -> F,
            F: Future<Output: Answer>,
            $($input: Input),*
        {
            fn describe(shapes: &mut Shapes) {
                $($input::describe(shapes);)*
                F::Output::describe(shapes);
            }
        }
    };
}

takes!(A);
takes!(A B);
takes!(A B C);
takes!(A B C D);

impl Call {
    /// A handler whose inputs and answer describe themselves.
    pub fn of<H, T, Inputs>(handler: H) -> Self
    where
        H: Handler<T, App> + Takes<Inputs>,
        T: 'static,
    {
        let mut shapes = Shapes::default();
        H::describe(&mut shapes);
        Self { on: Box::new(|method| MethodRouter::new().on(method, handler)), shapes }
    }
}

impl Operation {
    /// Its route, its description, and the schemas that the description names.
    pub fn parts(&self, tag: &str) -> (MethodRouter<App>, Described, Schemas) {
        let Call { on, shapes: Shapes { parameters, body, mut responses, schemas } } = (self.call)();
        responses.responses.extend(refusals());
        let names = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let described = OperationBuilder::new()
            .tag(tag)
            .operation_id(Some(format!("{tag}_{}", self.name)))
            .summary(Some(self.summary))
            .parameters(Some(names.map(in_path).chain(parameters)))
            .request_body(body)
            .responses(responses);
        (on(self.method.filter()), described.build(), schemas)
    }
}

impl Method {
    /// The same method for routes.
    pub fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// The same method in the OpenAPI document.
    pub fn described(self) -> HttpMethod {
        match self {
            Self::Get => HttpMethod::Get,
            Self::Post => HttpMethod::Post,
            Self::Put => HttpMethod::Put,
            Self::Patch => HttpMethod::Patch,
            Self::Delete => HttpMethod::Delete,
        }
    }
}

fn in_path(name: &str) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
    parameter.schema(Some(text())).build()
}
