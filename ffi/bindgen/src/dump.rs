//! The interface as one text, by which a change of it is seen and read.

use anyhow::Result;
use camino::Utf8Path;
use std::collections::BTreeMap;
use std::fmt::Write;
use uniffi_bindgen::macro_metadata::extract_from_library;
use uniffi_meta::{
    DefaultValueMetadata, EnumShape, FieldMetadata, FnParamMetadata, LiteralMetadata, Metadata,
    ObjectImpl, Type, UniffiTraitMetadata,
};

/// What the library exports, sorted, without its documentation.
pub(crate) fn interface(library: &Utf8Path) -> Result<String> {
    // Heads by their names, and under each its lines.
    let mut items: BTreeMap<(u8, String), (String, Vec<String>)> = BTreeMap::new();
    for item in extract_from_library(library)? {
        let (place, line) = match item {
            Metadata::Namespace(namespace) => {
                ((0, String::new()), Line::Head(format!("namespace {}", namespace.name)))
            }
            Metadata::Func(function) => {
                let signature = Signature {
                    is_async: function.is_async,
                    inputs: &function.inputs,
                    output: function.return_type.as_ref(),
                    throws: function.throws.as_ref(),
                };
                ((1, function.name.clone()), Line::Head(signature.text("fn", &function.name)))
            }
            Metadata::Object(object) => {
                let kind = match object.imp {
                    ObjectImpl::Struct => "object",
                    ObjectImpl::Trait(kind) if kind.has_foreign() => "foreign trait",
                    ObjectImpl::Trait(_) => "trait",
                };
                let head = Line::Head(format!("{kind} {}", object.name));
                ((2, object.name), head)
            }
            Metadata::CallbackInterface(callback) => {
                let head = Line::Head(format!("callback {}", callback.name));
                ((2, callback.name), head)
            }
            Metadata::Constructor(constructor) => {
                let signature = Signature {
                    is_async: constructor.is_async,
                    inputs: &constructor.inputs,
                    output: None,
                    throws: constructor.throws.as_ref(),
                };
                let line = signature.text("constructor", &constructor.name);
                ((2, constructor.self_name), Line::Member(line))
            }
            Metadata::Method(method) => {
                let signature = Signature {
                    is_async: method.is_async,
                    inputs: &method.inputs,
                    output: method.return_type.as_ref(),
                    throws: method.throws.as_ref(),
                };
                let line = signature.text("fn", &method.name);
                ((2, method.self_name), Line::Member(line))
            }
            Metadata::TraitMethod(method) => {
                let signature = Signature {
                    is_async: method.is_async,
                    inputs: &method.inputs,
                    output: method.return_type.as_ref(),
                    throws: method.throws.as_ref(),
                };
                let line = signature.text("fn", &method.name);
                ((2, method.trait_name), Line::Member(line))
            }
            Metadata::Record(record) => {
                let members = record.fields.iter().map(field).collect();
                ((3, record.name.clone()), Line::Whole(format!("record {}", record.name), members))
            }
            Metadata::Enum(of_variants) => {
                let kind = match of_variants.shape {
                    EnumShape::Enum => "enum",
                    EnumShape::Error { flat: false } => "error",
                    EnumShape::Error { flat: true } => "flat error",
                };
                let members = of_variants.variants.iter().map(|variant| {
                    let fields: Vec<_> = variant.fields.iter().map(field).collect();
                    if fields.is_empty() {
                        return variant.name.clone();
                    }
                    format!("{} {{ {} }}", variant.name, fields.join(", "))
                });
                let head = format!("{kind} {}", of_variants.name);
                ((4, of_variants.name.clone()), Line::Whole(head, members.collect()))
            }
            Metadata::CustomType(custom) => {
                let head = format!("custom {} = {}", custom.name, type_name(&custom.builtin));
                ((5, custom.name), Line::Head(head))
            }
            Metadata::UniffiTrait(of_rust) => {
                let name = match of_rust {
                    UniffiTraitMetadata::Debug { .. } => "Debug",
                    UniffiTraitMetadata::Display { .. } => "Display",
                    UniffiTraitMetadata::Eq { .. } => "Eq",
                    UniffiTraitMetadata::Hash { .. } => "Hash",
                    UniffiTraitMetadata::Ord { .. } => "Ord",
                };
                ((2, of_rust.self_name().to_owned()), Line::Member(format!("is {name}")))
            }
            Metadata::ObjectTraitImpl(_) | Metadata::UdlFile(_) => continue,
        };
        let (head, members) = items.entry(place).or_default();
        match line {
            Line::Head(text) => *head = text,
            Line::Member(text) => members.push(text),
            Line::Whole(text, all) => (*head, *members) = (text, all),
        }
    }
    let mut text = String::new();
    for ((place, _), (head, mut members)) in items {
        // Fields and variants have their order, methods none.
        if place == 2 {
            members.sort();
        }
        writeln!(text, "{head}")?;
        for member in members {
            writeln!(text, "    {member}")?;
        }
    }
    Ok(text)
}

enum Line {
    Head(String),
    Member(String),
    Whole(String, Vec<String>),
}

struct Signature<'a> {
    is_async: bool,
    inputs: &'a [FnParamMetadata],
    output: Option<&'a Type>,
    throws: Option<&'a Type>,
}

impl Signature<'_> {
    fn text(&self, kind: &str, name: &str) -> String {
        let inputs: Vec<_> = self
            .inputs
            .iter()
            .map(|input| {
                let default = input.default.as_ref().map(default).unwrap_or_default();
                format!("{}: {}{default}", input.name, type_name(&input.ty))
            })
            .collect();
        let asynchronous = if self.is_async { "async " } else { "" };
        let output = self.output.map(|ty| format!(" -> {}", type_name(ty))).unwrap_or_default();
        let throws = self.throws.map(|ty| format!(" throws {}", type_name(ty))).unwrap_or_default();
        format!("{asynchronous}{kind} {name}({}){output}{throws}", inputs.join(", "))
    }
}

fn field(field: &FieldMetadata) -> String {
    let default = field.default.as_ref().map(default).unwrap_or_default();
    format!("{}: {}{default}", field.name, type_name(&field.ty))
}

fn default(value: &DefaultValueMetadata) -> String {
    let literal = match value {
        DefaultValueMetadata::Default => "default".to_owned(),
        DefaultValueMetadata::Literal(literal) => match literal {
            LiteralMetadata::Boolean(value) => value.to_string(),
            LiteralMetadata::String(text) => format!("{text:?}"),
            LiteralMetadata::UInt(value, ..) => value.to_string(),
            LiteralMetadata::Int(value, ..) => value.to_string(),
            LiteralMetadata::Float(text, _) | LiteralMetadata::Enum(text, _) => text.clone(),
            LiteralMetadata::EmptySequence | LiteralMetadata::EmptySet => "[]".to_owned(),
            LiteralMetadata::EmptyMap => "{}".to_owned(),
            LiteralMetadata::None => "none".to_owned(),
            LiteralMetadata::Some { inner } => return default(inner),
        },
    };
    format!(" = {literal}")
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::UInt8 => "u8".to_owned(),
        Type::Int8 => "i8".to_owned(),
        Type::UInt16 => "u16".to_owned(),
        Type::Int16 => "i16".to_owned(),
        Type::UInt32 => "u32".to_owned(),
        Type::Int32 => "i32".to_owned(),
        Type::UInt64 => "u64".to_owned(),
        Type::Int64 => "i64".to_owned(),
        Type::Float32 => "f32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::String => "string".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Timestamp => "timestamp".to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::Object { name, .. }
        | Type::Record { name, .. }
        | Type::Enum { name, .. }
        | Type::CallbackInterface { name, .. }
        | Type::Custom { name, .. } => name.clone(),
        Type::Box { inner_type } => type_name(inner_type),
        Type::Optional { inner_type } => format!("{}?", type_name(inner_type)),
        Type::Sequence { inner_type } | Type::Set { inner_type } => {
            format!("[{}]", type_name(inner_type))
        }
        Type::Map { key_type, value_type } => {
            format!("{{{}: {}}}", type_name(key_type), type_name(value_type))
        }
    }
}
