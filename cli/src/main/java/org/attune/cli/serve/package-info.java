/// `attune serve`. `TinkerDesk` answers the requests of its `--tinker`: trainings
// (`TinkerTrainings`,
/// each a `TinkerRun`), samplers (`TinkerSampling`) and results that are fetched later.
package org.attune.cli.serve;
