package org.attune.examples;

import org.attune.models.ModelConfig;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.run.Runs;

import java.nio.file.Path;
import java.util.Map;

/// A DPO run as a library call, with a callback. Run it with
/// `./attune example DpoInJava MODEL PAIRS.jsonl OUT`.
public final class DpoInJava {
    private DpoInJava() {}

    /// Trains an adapter and prints the result.
    ///
    /// @param args model folder or GGUF file, preference pairs, output folder
    public static void main(String[] args) {
        RunSummary summary = train(args[0], args[1], Path.of(args[2]));
        summary.heldout().ifPresent(System.out::println);
    }

    // readme: dpo
    static RunSummary train(String model, String pairs, Path out) {
        DpoConfig config =
                DpoConfig.defaults()
                        .withModel(ModelConfig.of(model))
                        .withLora(LoraSettings.allLinear(16, 32))
                        .withData(DataConfig.of(pairs).withTestSplitSize(0.1))
                        .withTraining(t -> t.withSave(SaveConfig.to(out)))
                        .withTraining(t -> t.withOptimizer(o -> o.withLearningRate(1e-4)))
                        .withTraining(t -> t.withSchedule(s -> s.withNumTrainEpochs(1)));
        var progress =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        System.out.println(step + " " + metrics.get("rewards/accuracies"));
                    }
                };
        return Runs.with(progress).train(config);
    }
    // end
}
