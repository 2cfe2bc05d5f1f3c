package org.attune.trainers.ppo;

import org.attune.checkpoint.ModelWriter;
import org.attune.models.ModelSetup;
import org.attune.policy.Scorer;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.opening.FirstRun;
import org.attune.trainers.opening.Judging;
import org.attune.trainers.opening.OpenRounds;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicyPlan;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.RolloutMethod;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.Surroundings;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The method `ppo`, as the command line and the front door know it. A run's files are the policy
/// in `output_dir`, and the critic in its folder `value_model`.
public record PpoMethod() implements RolloutMethod<PpoConfig> {
    private static final String CRITIC = "value_model";

    @Override
    public String name() {
        return "ppo";
    }

    @Override
    public String summary() {
        return "Learn from rewards with a critic: proximal policy optimisation.";
    }

    @Override
    public PpoConfig defaults() {
        return PpoConfig.defaults();
    }

    @Override
    public FirstRun firstRun() {
        return FirstRun.of(
                "rows with prompt, and the columns that rewards read",
                "value_model",
                "lora",
                "max_completion_length",
                "256",
                "temperature",
                "1.0",
                "kl_coef",
                "0.05",
                "num_ppo_epochs",
                "2",
                "num_mini_batches",
                "2",
                "eval_temperature",
                "0");
    }

    @Override
    public PolicyPlan policy(Surroundings around, PpoConfig config, Path directory) {
        return PolicyPlan.generating(config.lora(), config.training(), false)
                .with(config.model(), config.reference().asReference(), around.hub())
                .withoutBalance(config.training(), "PPO doesn't compute it")
                .also(_ -> CriticSetup.requireStart(config, directory, around.hub()));
    }

    @Override
    public RunSummary train(
            Surroundings around,
            PpoConfig config,
            Path directory,
            OpenedRun<PromptExample> run,
            Judging judging) {
        ModelSetup model = run.model();
        PolicySetup policy = run.policy();
        try (var rounds = new OpenRounds(around, config, directory, run, judging);
                var critic = CriticSetup.open(config, model, policy, directory, around.hub())) {
            RowTokens tokens = RoundPlan.rowTokens(config, run.rows().train());
            Optional<Scorer> reference = rounds.references().open(config, config.kl().klCoef());
            MemoryFit fit =
                    policy.fitToMemory(
                            config.training(),
                            critic.memory(config.training()),
                            tokens,
                            RolloutSetup.wish(
                                    config, policy, run.rows(), config.completionsPerUpdate()));
            PpoConfig fitted =
                    config.withTraining(fit.training())
                            .withSampling(
                                    s ->
                                            s.withGenerationSlots(
                                                    fit.slots().orElse(s.generationSlots())));
            critic.setRecomputed(policy.recomputed());
            try (var source = rounds.source(fitted, Optional.empty())) {
                RunContext context = rounds.context();
                return new PpoTrainer(
                                fitted,
                                policy.policy(),
                                critic.critic(),
                                rounds.inputs(config, reference, source, source.rollouts()),
                                context.withModel(both(context.model(), critic.writer()))
                                        .withModelFingerprint(
                                                model.fingerprint()
                                                        + "+"
                                                        + critic.fingerprint(directory)))
                        .train();
            }
        }
    }

    private static ModelWriter both(ModelWriter policy, ModelWriter critic) {
        return folder -> {
            policy.write(folder);
            critic.write(Files.createDirectories(folder.resolve(CRITIC)));
        };
    }
}
