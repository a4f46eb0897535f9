//! Each store on its own: layout, limits, access and permissions.

mod aws_credentials;
mod aws_trust;
mod backup_destinations;
mod backup_file;
mod configuration;
mod conformance;
mod dynamo_db;
mod dynamo_db_access;
mod dynamo_db_answers;
mod dynamo_db_permissions;
mod dynoxide;
mod etcd;
mod etcd_limits;
mod etcd_listings;
mod etcd_space;
mod etcd_versions;
mod etcd_words;
mod object_store;
mod one_store;
mod s3_access;
mod s3_foreign_objects;
mod s3_permissions;
