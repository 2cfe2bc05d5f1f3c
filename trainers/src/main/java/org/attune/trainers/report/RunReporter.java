package org.attune.trainers.report;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.List;

/// Reports runs beside the files that every run writes: to a tracker, say, or as a file of another
/// kind. It is found by [java.util.ServiceLoader], so a jar on the class path can bring one, whose
/// `META-INF/services/org.attune.trainers.report.RunReporter` names the class.
@Api(EXPERIMENTAL)
public interface RunReporter {
    /// The name in `report_to` that asks for it, in small letters.
    String name();

    /// Whether every run has it, whatever `report_to` says.
    default boolean always() {
        return false;
    }

    /// Environment variables that it reads, which the `env` block of a run's file can set.
    default List<String> variables() {
        return List.of();
    }

    /// Opens the report of a run, before the run reads model and data.
    ///
    /// @throws org.attune.error.ConfigException if what it needs is missing or wrong
    RunReport open(RunSettings run);
}
