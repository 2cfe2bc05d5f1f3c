package org.attune.trainers.opening;

import org.attune.policy.Scorer;
import org.attune.policy.TeacherMemory;
import org.attune.trainers.batch.MixedRows;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.ReferencedConfig;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.step.Trainer;

import java.nio.file.Path;
import java.util.Optional;

/// A method that learns from given rows. Where its configuration names a reference
/// ([ReferencedConfig]), one is opened.
///
/// @param <C> its configuration
/// @param <R> kind of row
/// @param <F> how rows are laid out
public interface RowMethod<C extends Record & RunConfig, R extends TrainingRow, F extends RowForest>
        extends TrainingMethod<C, R> {
    /// How what is trained comes to memory.
    PolicyPlan policy(C config);

    /// The configuration with other settings of the run.
    C withTraining(C config, TrainingConfig training);

    /// The trainer of an opened run.
    ///
    /// @param config what memory allows
    /// @param reference given where the configuration names one
    Trainer<R, F> trainer(C config, OpenedRun<R> run, Optional<Scorer> reference);

    @Override
    default Kind kind() {
        return Kind.ROWS;
    }

    @Override
    default RunSummary train(Surroundings around, C config, Path directory) {
        ConfigCheck.validate(config);
        return OpenedRun.train(
                around,
                config.model(),
                directory,
                setup -> prepare(setup, config),
                referenced(config)
                        .map(r -> policy(config).with(r.model(), r.reference(), around.hub()))
                        .orElseGet(() -> policy(config)),
                run -> train(around, config, run));
    }

    private Optional<ReferencedConfig> referenced(C config) {
        return config instanceof ReferencedConfig r && r.hasReference()
                ? Optional.of(r)
                : Optional.empty();
    }

    private RunSummary train(Surroundings around, C config, OpenedRun<R> run) {
        try (var references = new ReferenceSetup(run.model(), run.policy(), around.hub())) {
            Optional<ReferencedConfig> referenced = referenced(config);
            Optional<Scorer> reference =
                    referenced.map(
                            r -> references.open(r.referenceKind(), r.model(), r.reference()));
            boolean kept = referenced.filter(ReferencedConfig::precomputesReference).isPresent();
            OpenedRun<R> known = kept ? run.withReference(references.contentHash()) : run;
            Optional<TeacherMemory> teacher =
                    referenced
                            .filter(ReferencedConfig::comparesDistributions)
                            .map(_ -> TeacherMemory.of(references.weights().decoder()));
            int[] lengths = MixedRows.lengths(run.rows().train());
            C fitted = withTraining(config, run.fitted(config.training(), lengths, teacher));
            boolean parted = config.training().ranks().partsWeights();
            return trainer(fitted, AnswerWriter.among(known, parted), reference).train();
        }
    }
}
