package org.attune.examples;

import org.attune.models.ModelConfig;
import org.attune.reward.RewardFunction;
import org.attune.reward.WeightedReward;
import org.attune.reward.builtin.BuiltinRewards;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.run.Runs;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// A GRPO run as a library call, with rewards as objects. Run it with
/// `./attune example GrpoInJava MODEL PROMPTS.jsonl OUT STEPS`.
public final class GrpoInJava {
    private GrpoInJava() {}

    /// Trains an adapter and prints how many steps it took.
    ///
    /// @param args model folder or GGUF file, prompts with a column `answer`, output folder, steps
    public static void main(String[] args) {
        System.out.println(train(args[0], args[1], Path.of(args[2]), Integer.parseInt(args[3])));
    }

    // docs: grpo
    static RunSummary train(String model, String prompts, Path out, int steps) {
        RewardFunction shortest = // compares completions, so it must see all of a round
                batch -> {
                    int least =
                            batch.completions().stream()
                                    .mapToInt(c -> c.text().length())
                                    .min()
                                    .orElse(0);
                    return batch.completions().stream()
                            .map(c -> OptionalDouble.of(c.text().length() == least ? 1 : 0))
                            .toList();
                };
        GrpoConfig config =
                GrpoConfig.defaults()
                        .withModel(ModelConfig.of(model))
                        .withLora(LoraSettings.allLinear(16, 32))
                        .withData(DataConfig.of(prompts))
                        .withNumGenerations(4)
                        .withMaxCompletionLength(12)
                        .withTraining(t -> t.withSave(SaveConfig.to(out)))
                        .withTraining(t -> t.withSchedule(s -> s.withMaxSteps(steps)));
        return Runs.with()
                .grpo(
                        config,
                        List.of(
                                WeightedReward.of(BuiltinRewards.create("exact_answer", Map.of())),
                                new WeightedReward(
                                        shortest.named("shortest").wholeRounds(true), 0.1)));
    }
    // end
}
