/// `attune serve`. What `--tinker` answers begins at `TinkerDesk`: trainings, each a `TinkerRun`,
/// samplers, checkpoints, and results that are fetched later.
package org.attune.cli.serve;
