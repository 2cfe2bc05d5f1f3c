package org.attune.cli.config;

import org.attune.datasets.formats.DatasetType;
import org.attune.files.HubCache;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.opening.TrainingMethod;

import java.util.Set;

/// Which method a run's file was taken for.
///
/// @param run name of the file
/// @param method that one
/// @param reason in words, `its keys` or what was seen in the rows
/// @param certain whether no other method could use the file
public record MethodChoice(
        String run, TrainingMethod<?, ?> method, String reason, boolean certain) {
    /// Asks for the type of a run's first row.
    @FunctionalInterface
    public interface FirstRow {
        /// @param preferred types among which the type is, if the row's columns suit one of them
        /// @throws org.attune.error.AttuneException if it can't be read
        DatasetType type(DataConfig data, HubCache hub, Set<DatasetType> preferred);
    }
}
