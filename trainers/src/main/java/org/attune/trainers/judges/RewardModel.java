package org.attune.trainers.judges;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.error.StopRequest;
import org.attune.files.GivenPath;
import org.attune.files.HubCache;
import org.attune.model.config.ScoreKind;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.models.StepSeparator;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.reward.RewardBatch;
import org.attune.tensor.TensorScope;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.trainers.batch.TokenBudget;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A reward model that judges completions, whole ones or step by step. Its weights are loaded by
/// [#load], at the latest when it judges first. Use it on the engine thread. Owns its parts.
public final class RewardModel implements RoundJudge {
    private static final Logger LOG = LoggerFactory.getLogger(RewardModel.class);
    private static final TokenBudget BUDGET = new TokenBudget(TokenBudget.DEFAULT_TOKENS);

    private final ModelSetup setup;
    private final RewardReader reading;
    private Weights weights; // null before they are loaded

    /// @param decoder with the score head
    /// @param adapted the adapter on it, unless there is none or it belongs to the policy
    private record Weights(Decoder decoder, Optional<Policy> adapted, Scorer scorer)
            implements AutoCloseable {
        @Override
        public void close() {
            adapted.ifPresent(Policy::close);
            decoder.close();
        }
    }

    private RewardModel(ModelSetup setup, RewardReader reading) {
        this.setup = setup;
        this.reading = reading;
    }

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
        return opened(reward, config(reward.folder(), like), hub);
    }

    /// Opens what a command names to score rows of data.
    ///
    /// @param config of a model, with an adapter or without, or of an adapter alone
    /// @param separator of steps; empty: the one that the folder says
    /// @throws ConfigException if it is no reward model of either kind
    static RewardModel openToScore(ModelConfig config, Optional<String> separator, HubCache hub) {
        Path named = GivenPath.of(config.modelNameOrPath());
        boolean alone =
                config.adapterNameOrPath().isEmpty()
                        && Files.exists(named.resolve("adapter_config.json"))
                        && !Files.exists(named.resolve("config.json"));
        Path folder = config.adapterNameOrPath().map(GivenPath::of).orElse(named);
        var reward =
                new ModelReward(
                        folder,
                        Optional.empty(),
                        1,
                        Optional.empty(),
                        separator.map(StepSeparator::new));
        return opened(reward, alone ? config(folder, config) : config, hub);
    }

    private static RewardModel opened(ModelReward reward, ModelConfig config, HubCache hub) {
        ModelSetup setup = ModelSetup.open(config, hub);
        try {
            return new RewardModel(setup, reading(reward, setup));
        } catch (RuntimeException e) {
            setup.close();
            throw e;
        }
    }

    /// What stands behind the steps that it judges; empty if it judges whole answers.
    Optional<StepSeparator> separator() {
        return reading instanceof RewardReader.Steps steps
                ? Optional.of(steps.separator())
                : Optional.empty();
    }

    TextAssets text() {
        return setup.text();
    }

    /// Whether sequences of a group share the computation of their beginning.
    boolean sharesPrompts() {
        return setup.sharesPrompts();
    }

    private static RewardReader reading(ModelReward reward, ModelSetup setup) {
        int labels = setup.labels();
        ScoreKind kind = setup.scoreKind();
        if (ScorerPurpose.REWARD.fits(kind, labels)) {
            if (reward.aggregation().isPresent() || reward.separator().isPresent()) {
                throw new ConfigException(
                        "%s scores whole answers; aggregation and step_separator are for process reward models, leave them out"
                                .formatted(reward.folder()));
            }
            return new RewardReader.Answer(setup.text(), reward.folder().toString());
        }
        if (!ScorerPurpose.PROCESS_REWARD.fits(kind, labels)) {
            throw new ConfigException(
                    "%s is no reward model: it %s; train one with attune reward or attune prm, or give one: %s, %s"
                            .formatted(
                                    reward.folder(),
                                    labels == 0
                                            ? "has no score head"
                                            : "is a " + ScorerPurpose.described(kind, labels),
                                    ScorerPurpose.REWARD.wanted(),
                                    ScorerPurpose.PROCESS_REWARD.wanted()));
        }
        StepSeparator separator =
                reward.separator()
                        .or(() -> StepSeparator.of(reward.folder()))
                        .orElse(StepSeparator.DEFAULT);
        StepAggregation aggregation = reward.aggregation().orElse(StepAggregation.MIN);
        return new RewardReader.Steps(setup.text(), separator, aggregation);
    }

    /// Loads the weights anew.
    void load() {
        Decoder decoder = setup.loadAsIs();
        try {
            Optional<Policy> adapted =
                    setup.adapter()
                            .map(a -> Policy.withAdapter(decoder, a, Policy.Options.defaults()));
            Scorer scorer =
                    adapted.<Scorer>map(policy -> policy)
                            .orElseGet(() -> Policy.reference(decoder));
            decoder.keepForward();
            weights = new Weights(decoder, adapted, scorer);
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
        LOG.info("{} {}", name(), reading.about());
    }

    /// Loads the weights, or of an adapter on the policy's own base only the adapter, if that base
    /// stays as it is.
    @Override
    public void load(ModelSetup model, Policy policy) {
        if (policy.adapter().isEmpty() || !setup.scoresOnBaseOf(model)) {
            load();
            return;
        }
        Decoder decoder = setup.scorerOn(policy.decoder());
        try {
            Scorer scorer = policy.addScorer(decoder, setup.adapter().orElseThrow());
            weights = new Weights(decoder, Optional.empty(), scorer);
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
        LOG.info("{} {}, on the policy's weights", name(), reading.about());
    }

    private Path name() {
        return setup.adapter().map(AdapterFolder::path).orElseGet(() -> setup.source().path());
    }

    @Override
    public String identity() {
        return setup.fingerprint() + ", " + reading.about();
    }

    /// How a folder is opened.
    ///
    /// @param folder of a model, or of an adapter that names its base
    /// @param like says device and number format
    public static ModelConfig config(Path folder, ModelConfig like) {
        String name = folder.toString();
        ModelConfig config;
        if (Files.exists(folder.resolve("config.json"))) {
            config = ModelConfig.of(name);
        } else {
            String base =
                    AdapterConfig.read(folder)
                            .baseModel()
                            .orElseThrow(
                                    () ->
                                            new ConfigException(
                                                    name
                                                            + "/adapter_config.json names no"
                                                            + " base_model_name_or_path"));
            config = ModelConfig.of(base).withAdapterNameOrPath(name);
        }
        boolean same = config.modelNameOrPath().equals(like.modelNameOrPath());
        return config.withDevice(like.device())
                .withDtype(like.dtype())
                .withQuantization(same ? like.quantization() : config.quantization());
    }

    @Override
    public void requireShown(List<Message> prompt) {
        try {
            reading.requireShown(prompt);
        } catch (DatasetException e) {
            throw new DatasetException("reward model " + name() + ": " + e.getMessage(), e);
        }
    }

    /// One reward per completion, `(n)`. What neighbours begin with in common is computed once.
    @Override
    public double[] score(RewardBatch batch) {
        List<RewardReader.Read> reads = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            reads.add(reading.of(batch.prompts().get(i), batch.completions().get(i)));
        }
        double[] rewards = new double[batch.size()];
        int next = 0;
        for (List<RewardReader.Read> group :
                BUDGET.groups(reads, read -> List.of(read.ids()), setup.sharesPrompts())) {
            for (float[] scores : heads(group)) {
                rewards[next++] = reading.reward(scores);
            }
        }
        return rewards;
    }

    /// Reads sequences at once, and gives the scores of each, or the probabilities that its steps
    /// are right.
    List<double[]> measure(List<RewardReader.Read> group) {
        return heads(group).stream().map(reading::values).toList();
    }

    /// Scores of all labels at all places, of each sequence.
    private List<float[]> heads(List<RewardReader.Read> group) {
        try (var _ = TensorScope.open("reward.model")) {
            StopRequest.check();
            float[] scores = scorer().measure(forest(group), HeadRequest.of()).tokenLogProbs();
            List<float[]> parts = new ArrayList<>();
            int at = 0;
            for (RewardReader.Read read : group) {
                int size = read.places().length * reading.labels();
                parts.add(Arrays.copyOfRange(scores, at, at + size));
                at += size;
            }
            return parts;
        }
    }

    private Scorer scorer() {
        if (weights == null) {
            load();
        }
        return weights.scorer();
    }

    private TokenForest forest(List<RewardReader.Read> group) {
        var builder = TokenForest.builder();
        List<SequenceTree.Path> paths =
                SequenceTree.add(
                        builder,
                        group.stream().map(RewardReader.Read::ids).toList(),
                        setup.sharesPrompts());
        for (int i = 0; i < group.size(); i++) {
            for (int place : group.get(i).places()) {
                for (int label = 0; label < reading.labels(); label++) {
                    paths.get(i).score(place, label);
                }
            }
        }
        return builder.build();
    }

    @Override
    public void close() {
        if (weights != null) {
            weights.close();
        }
        setup.close();
    }
}
