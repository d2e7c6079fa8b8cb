//! The OpenAPI document of the admin API. Its descriptions of operations come from their rows and the types of their
//! handlers.

use super::shapes::Schemas as NamedSchemas;
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, HttpMethod, Info, OpenApi, OpenApiBuilder, RefOr, Response as Described, Schema, Server,
};
use utoipa::{PartialSchema, ToSchema};

/// An error of RFC 9457.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "described here, made by `Problem`")]
pub struct ProblemShape {
    /// The stable name of the kind of error.
    r#type: String,
    /// The kind in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong, with which value, and what to do.
    detail: String,
    /// The run that it is about.
    #[serde(rename = "runId")]
    run_id: Option<String>,
    /// Where the run can be requested.
    #[serde(rename = "statusUrl")]
    status_url: Option<String>,
}

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The document while operations are added.
#[derive(Default)]
pub struct Document {
    paths: Paths,
    components: Components,
}

impl Document {
    /// Adds an operation and the schemas that it names.
    pub fn add(&mut self, path: &str, method: HttpMethod, operation: Operation, schemas: NamedSchemas) {
        self.paths.add_path_operation(path, vec![method], operation);
        self.components.schemas.extend(schemas);
    }

    /// The document with the parts that concern all its paths.
    pub fn finished(mut self, public_url: Option<&str>) -> OpenApi {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An admin token.")).build();
        self.components.security_schemes.insert("token".into(), SecurityScheme::Http(bearer).into());
        let mut schemas = Vec::new();
        ProblemShape::schemas(&mut schemas);
        self.components.schemas.extend(schemas);
        self.components.schemas.insert("Problem".into(), ProblemShape::schema());
        self.describe_answers();
        let mut info = Info::new("FlowScript", env!("CARGO_PKG_VERSION"));
        info.description = Some("Workflows, runs, lanes, keys and tokens of an engine.".into());
        let public = public_url.unwrap_or_default().trim_end_matches('/');
        OpenApiBuilder::new()
            .info(info)
            .paths(self.paths)
            .components(Some(self.components))
            .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
            .servers(Some([Server::new(format!("{public}/api/v1"))]))
            .build()
    }

    /// Gives each answer the description of its schema, which OpenAPI requires.
    fn describe_answers(&mut self) {
        for item in self.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
            let responses = operations.into_iter().flatten().flat_map(|operation| &mut operation.responses.responses);
            for (_, response) in responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                    && let Some(description) = described(response, &self.components.schemas)
                {
                    response.description = description;
                }
            }
        }
    }
}

/// The description of the schema that a response refers to.
fn described(response: &Described, schemas: &Schemas) -> Option<String> {
    let RefOr::T(content) = response.content.values().next()? else { return None };
    let RefOr::Ref(reference) = content.schema.as_ref()? else { return None };
    let name = reference.ref_location.rsplit('/').next()?;
    match schemas.get(name)? {
        RefOr::T(Schema::Object(object)) => object.description.clone(),
        RefOr::T(Schema::AllOf(all)) => all.description.clone(),
        _ => None,
    }
}
