package org.attune.trainers.opening;

import org.attune.datasets.formats.DatasetType;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.prepare.Preview;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;

/// A method of training, as the command line, the front door and tests know it. Each method's room
/// has one.
///
/// @param <C> its configuration
/// @param <R> kind of row
public interface TrainingMethod<C extends Record & RunConfig, R extends TrainingRow> {
    /// What a method learns from, and what it makes.
    enum Kind {
        /// A model that writes, from given rows.
        ROWS,
        /// A model that writes, from what it has written itself.
        GENERATES,
        /// A model that scores, from given rows.
        SCORES,
        /// A model that makes vectors of texts, from given rows.
        EMBEDS,
        /// A model that writes, from another model, or from itself when it is told more.
        DISTILS
    }

    /// The method's name, as in `attune sft`.
    String name();

    /// What the method does, in one sentence for a list of commands.
    String summary();

    /// What the method learns from, and what it makes.
    Kind kind();

    /// The configuration in which nothing is set.
    C defaults();

    /// Types of rows that it reads.
    Set<DatasetType> rows();

    /// What a person who runs it for the first time is told.
    FirstRun firstRun();

    /// Reads and prepares a run's rows.
    ///
    /// @throws org.attune.error.DatasetException naming file and line of what cannot be used
    RunRows<R> prepare(RowSetup setup, C config);

    /// A row as text for a person.
    ///
    /// @param columns names of columns to show beside a prompt
    String show(Preview preview, R row, Collection<String> columns);

    /// A whole run, from the configuration to files in `output_dir`.
    ///
    /// @param config checked here
    /// @param directory where relative paths of rewards and models start, usually that of the
    ///     configuration
    /// @throws org.attune.error.AttuneException if the configuration, the model, the data or the
    ///     training fails; the message says what to do
    RunSummary train(Surroundings around, C config, Path directory);
}
