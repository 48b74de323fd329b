//! The kit against layers that keep the laws and layers that break one.

mod bodies;
mod broken;
mod probe;
mod report;
mod subject;
mod well_behaved;
