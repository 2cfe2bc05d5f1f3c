package org.attune.trainers.rows;

import org.attune.error.ConfigException;
import org.attune.policy.Scorer;
import org.attune.tensor.TensorScope;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.RowGroups;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Opens the references of a run: asked anew each time, or about all rows once. Answers of a
/// reference whose files are known are kept where other runs find them.
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
record ReferenceOpening<R extends TrainingRow, F extends RowForest>(
        TrainingConfig config,
        RowObjective<R, F> objective,
        Optional<FrozenModel> frozen,
        RowGroups groups,
        RunContext context) {

    References<R, F> open(RunParts parts, BatchPlan plan, List<R> rows, List<EvalSet<R>> evalSets) {
        if (frozen.isEmpty()) {
            References.Both<R, F> none = References.Both.of(new Reference.None<>());
            return new References<>(
                    Optional.empty(), none, evalSets.stream().map(_ -> none).toList());
        }
        Scorer scorer = TimedPolicy.reference(frozen.get().scorer(), context.clock());
        var live = new Reference.Live<R, F>(scorer, objective.reference().orElseThrow());
        return new References<>(
                Optional.of(parts.startingPoint(scorer, plan)),
                both(live, rows),
                evalSets.stream().map(set -> both(live, set.rows())).toList());
    }

    private References.Both<R, F> both(Reference.Live<R, F> live, List<R> all) {
        if (!frozen.orElseThrow().precomputed()) {
            return References.Both.of(live);
        }
        if (all instanceof RowStream<R>) {
            throw new ConfigException(
                    "precompute_ref_log_probs: true asks the reference about all rows, which a"
                            + " stream doesn't know; set it to false, or streaming: false");
        }
        Reference<R, F> own = reference(live, all);
        return objective
                .beside()
                .map(b -> reference(live, all.stream().map(b).toList()))
                .map(other -> new References.Both<>(own, other))
                .orElseGet(() -> References.Both.of(own));
    }

    private Reference<R, F> reference(Reference.Live<R, F> live, List<R> all) {
        try (var _ = context.clock().enter("reference")) {
            List<RowAt<R>> placed = RowAt.of(RunParts.wholeSet(all.size(), all.size()), all);
            return new Reference.Precomputed<>(
                    cache(live.columns())
                            .get(
                                    objective.fingerprint(all),
                                    live.columns().names(),
                                    groups.of(placed, p -> p.row().sequences()),
                                    group -> score(live, group)));
        }
    }

    /// What is computed at once is part of the name: a run's numbers then don't depend on which run
    /// was the first.
    private ReferenceCache cache(ReferenceColumns<F> columns) {
        FrozenModel model = frozen.orElseThrow();
        Optional<String> known = context.referenceFingerprint();
        Path folder =
                known.isPresent()
                        ? model.cache().orElseGet(ReferenceCache::folderOfUser)
                        : config.save().outputDir();
        return new ReferenceCache(
                folder,
                "%s/%s/%s/%s"
                        .formatted(
                                model.kind(),
                                known.orElse(context.modelFingerprint()),
                                groups,
                                columns.variant()),
                context.ranks(),
                context.stop()::agree);
    }

    private List<double[]> score(Reference.Live<R, F> live, List<RowAt<R>> group) {
        try (var _ = TensorScope.open(objective.method() + ".reference")) {
            return live.rows(objective.layout(RowAt.rows(group), groups.shares()));
        }
    }
}
