package org.attune.trainers.online;

import org.attune.error.ConfigException;
import org.attune.policy.Scorer;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.generation.Generator;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenRounds;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.ReferenceSetup;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunWriters;
import org.attune.trainers.opening.Surroundings;
import org.attune.trainers.prepare.PromptPreparation;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleFunction;

/// Opens what a run on judged pairs needs, and trains it.
final class OnlineOpening {
    private OnlineOpening() {}

    static PromptPreparation preparation(RowSetup setup, OnlineRun config) {
        return setup.prompts(config.agent(), config.longestPrompt(), config.data().onBadRow())
                .limitedBy(config.promptLimit());
    }

    static PolicyPlan policy(Surroundings around, OnlineRun config) {
        return PolicyPlan.generating(config.lora(), config.training(), !config.disableDropout())
                .with(config.model(), config.reference().asReference(), around.hub());
    }

    static RunSummary train(
            Surroundings around,
            OnlineRun config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        try (var rounds = new OpenRounds(around, config, directory, run, judging)) {
            ReferenceSetup references = rounds.references();
            Scorer reference =
                    references.open(
                            config.referenceKind(),
                            config.model(),
                            config.reference().asReference());
            OnlineRun fitted = fitted(config, rounds, run.rows().train());
            try (var source = rounds.source(fitted, Optional.empty())) {
                RolloutSource writes = rollouts(fitted, run, references, source);
                RoundInputs inputs = rounds.inputs(config, Optional.of(reference), source, writes);
                return JudgedPairs.trainer(fitted, run.policy().policy(), inputs, rounds.context())
                        .train();
            }
        }
    }

    /// Recorded rounds have both completions.
    private static RolloutSource rollouts(
            OnlineRun config,
            OpenedRun<PromptExample> run,
            ReferenceSetup references,
            RolloutSetup.OpenSource source) {
        RolloutSource policy = source.rollouts();
        RunWriters writers = source.writers();
        if (config.rollouts().recordedRollouts().isPresent()) {
            return policy;
        }
        ReferenceSetup.Weights reference = references.weights();
        return switch (config) {
            case OnlineDpoConfig _ -> policy;
            case XpoConfig _ -> {
                Generator writes = writers.generator(reference.decoder(), reference.adapter());
                RolloutSource opponent = writers.opponent(writes);
                yield new OpponentRollouts(policy, _ -> opponent);
            }
            case NashMdConfig nash -> {
                requireVocabulary(run.policy(), reference);
                RoundPlan plan = RoundPlan.of(config, run.rows().train());
                Generator own =
                        writers.generator(
                                run.policy().decoder(), run.policy().policy().adapterInUse());
                DoubleFunction<RolloutSource> mixture =
                        share ->
                                writers.opponent(
                                        own.mixedWith(
                                                reference.decoder(), reference.adapter(), share));
                Map<Double, RolloutSource> mixtures = new HashMap<>();
                yield new OpponentRollouts(
                        policy,
                        round -> {
                            int epoch = Math.toIntExact(round / plan.stepsPerEpoch());
                            double share = EpochValues.at(nash.loss().mixtureCoef(), epoch);
                            return mixtures.computeIfAbsent(share, mixture::apply);
                        });
            }
        };
    }

    private static void requireVocabulary(PolicySetup policy, ReferenceSetup.Weights reference) {
        int own = policy.decoder().config().vocabSize();
        int others = reference.decoder().config().vocabSize();
        if (own != others) {
            throw ConfigException.about(
                    "ref_model_name_or_path",
                    "the reference has %d tokens, the policy %d, so they can't write a text together"
                            .formatted(others, own));
        }
    }

    /// Fits the run to memory when everything else is loaded.
    private static OnlineRun fitted(
            OnlineRun config, OpenRounds rounds, List<PromptExample> prompts) {
        MemoryFit fit =
                rounds.fit(
                        config,
                        JudgedPairs.pairTokens(config, prompts),
                        2 * config.training().batch().rowsOfStep(),
                        wish -> config instanceof NashMdConfig ? wish.ofModels(2) : wish);
        return config.fitted(
                fit.training(), fit.slots().orElse(config.sampling().generationSlots()));
    }
}
