//! Stored bytes in, JSON out, and back for edited values; and the checks that keep a damaged value from
//! being copied and a broken document from being written.
//!
//! The first byte of a value names its codec; see `docs/stored-formats.md`. Nothing here panics or
//! allocates beyond a constant factor of its input, whatever the bytes are.

mod clock;
mod decode;
mod encode;
mod encoding;
mod facts;
mod flexbuffer;
mod rule_book;
mod shape;
mod tree;

pub use clock::{differs_only_in_clock, nodes_config_content};
pub use decode::{check, decode, decode_and_check, describe};
pub use encode::{encode, is_editable};
pub use encoding::{CodecError, Encoding, encoding};
pub use facts::{
    Node, NodesConfiguration, cluster_of, may_be_same_cluster, nodes_configuration, nodes_in,
    nodes_of, partition_ids, partition_ids_in,
};
pub use flexbuffer::to_json as decode_flexbuffer;
pub use shape::{ShapeError, find_added_errors, find_shape_errors};
pub use tree::Tree;

#[cfg(test)]
mod tests;
