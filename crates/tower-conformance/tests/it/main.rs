//! The kit against layers that keep the laws and layers that break one.

mod broken;
mod well_behaved;
