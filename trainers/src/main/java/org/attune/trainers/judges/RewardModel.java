package org.attune.trainers.judges;

import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.files.GivenPath;
import org.attune.files.HubCache;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.score.ScoreModel;
import org.attune.policy.Policy;
import org.attune.reward.RewardBatch;
import org.attune.text.Message;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// A reward model that judges completions, whole ones or step by step. Its weights are loaded at
/// the latest when it judges first. Use it on the engine thread.
///
/// @param model owned
public record RewardModel(ScoreModel model) implements RoundJudge {
    private static boolean isModelFolder(Path folder) {
        return Files.exists(folder.resolve("config.json"))
                || Files.exists(folder.resolve("adapter_config.json"));
    }

    /// The folder of a model or an adapter: what an earlier run wrote into its `output_dir` is
    /// found by the same path.
    ///
    /// @param path as [GivenPath#input] has it
    /// @param directory of the file that names it
    public static Optional<Path> find(String path, Path directory) {
        return Optional.of(GivenPath.input(path, directory).toAbsolutePath().normalize())
                .filter(RewardModel::isModelFolder);
    }

    /// The folder of a reward model or of an adapter for one, which must exist.
    ///
    /// @param where the key that names it, for messages
    /// @throws ConfigException if there is none
    public static Path folder(String path, Path directory, String where) {
        return find(path, directory)
                .orElseThrow(
                        () ->
                                ConfigException.about(
                                        where,
                                        "%s: no config.json and no adapter_config.json there (looked at %s); give the folder of a reward model or of an adapter for one, as attune reward writes it"
                                                .formatted(
                                                        path,
                                                        GivenPath.lookedAt(path, directory))));
    }

    /// Opens a reward model, or an adapter with its base.
    ///
    /// @param like says device and number format
    /// @throws ConfigException if it is no reward model of either kind
    public static RewardModel open(ModelReward reward, ModelConfig like, HubCache hub) {
        var steps = new ScoreModel.Steps(reward.aggregation(), reward.separator());
        return new RewardModel(ScoreModel.open(like.ofFolder(reward.folder()), steps, hub));
    }

    /// Loads the weights, or of an adapter on the policy's own base only the adapter, if that base
    /// stays as it is.
    @Override
    public void load(ModelSetup setup, Policy policy) {
        model.load(setup, policy);
    }

    @Override
    public String identity() {
        return model.identity();
    }

    @Override
    public void requireShown(List<Message> prompt) {
        try {
            model.requireShown(prompt);
        } catch (DatasetException e) {
            throw new DatasetException("reward model " + model.path() + ": " + e.getMessage(), e);
        }
    }

    /// One reward per completion, `(n)`. What neighbours begin with in common is computed once.
    @Override
    public double[] score(RewardBatch batch) {
        return model.rewards(
                IntStream.range(0, batch.size())
                        .mapToObj(
                                i -> model.read(batch.prompts().get(i), batch.completions().get(i)))
                        .toList());
    }

    @Override
    public void close() {
        model.close();
    }
}
