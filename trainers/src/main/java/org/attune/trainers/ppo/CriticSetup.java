package org.attune.trainers.ppo;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.AdapterFolder;
import org.attune.checkpoint.ModelWriter;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.models.FileFingerprint;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.models.TrainedModelWriter;
import org.attune.policy.CausalPolicy;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.StepMemory;
import org.attune.policy.ValueHead;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.judges.RewardModel;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.opening.AskedAdapter;
import org.attune.trainers.opening.PolicySetup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/// The critic of a run with its weights. Owns them; on the engine thread.
public final class CriticSetup implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CriticSetup.class);

    private final Deque<AutoCloseable> owned = new ArrayDeque<>(); // closed from the last one on
    private final PpoConfig config;
    private final ModelSetup model;
    private final PolicySetup policy;
    private Critic critic;
    private ModelWriter writer;
    private Optional<Policy> network = Optional.empty();

    private CriticSetup(PpoConfig config, ModelSetup model, PolicySetup policy) {
        this.config = config;
        this.model = model;
        this.policy = policy;
    }

    /// Loads or makes the critic that a run asks for.
    ///
    /// @param model the policy's
    /// @param directory where relative paths start
    /// @throws ConfigException if what it is to start from isn't one
    public static CriticSetup open(
            PpoConfig config, ModelSetup model, PolicySetup policy, Path directory, HubCache hub) {
        var setup = new CriticSetup(config, model, policy);
        try {
            switch (config.critic().valueModel()) {
                case SEPARATE -> setup.separate(directory, hub);
                case LORA -> setup.adapter(directory, hub);
                case HEAD -> setup.head();
            }
        } catch (RuntimeException | Error e) {
            setup.close();
            throw e;
        }
        return setup;
    }

    private void separate(Path directory, HubCache hub) {
        ModelConfig from =
                start(config, directory).orElseGet(() -> config.model().withoutAdapter());
        ModelSetup own = owned(ModelSetup.open(from, hub));
        boolean adapter = config.critic().valueUsePeft().orElse(config.trainsAdapter());
        LoraSettings lora = separateLora(config, own);
        AskedAdapter.repeatLayers(lora, own);
        boolean shared = adapter && config.trainsAdapter() && own.hasBaseOf(model);
        if (shared) { // the same numbers, from weights that are in memory once
            PolicySetup scorer =
                    owned(
                            PolicySetup.loadScorerOn(
                                    policy, ScorerPurpose.REWARD, own, lora, config.training()));
            LOG.info("the critic's adapter stands on the policy's weights");
            network(new SharedCritic(scorer.policy(), policy.policy()), scorer.policy(), own);
            return;
        }
        PolicySetup scorer =
                owned(
                        PolicySetup.loadScorer(
                                ScorerPurpose.REWARD,
                                own,
                                lora,
                                config.training(),
                                false,
                                List::of));
        network(scorer.policy(), scorer.policy(), own);
    }

    /// Looks at what the critic is to start from, before rows are read.
    ///
    /// @throws org.attune.error.AttuneException if [#open] would refuse it
    static void requireStart(PpoConfig config, Path directory, HubCache hub) {
        switch (config.critic().valueModel()) {
            case SEPARATE ->
                    start(config, directory)
                            .ifPresent(
                                    from -> {
                                        try (var own = ModelSetup.open(from, hub)) {
                                            PolicySetup.prepare(
                                                    Optional.of(ScorerPurpose.REWARD),
                                                    own,
                                                    separateLora(config, own),
                                                    false);
                                        }
                                    });
            case LORA ->
                    config.critic()
                            .valueModelPath()
                            .ifPresent(path -> startAdapter(path, directory, hub).close());
            case HEAD -> {}
        }
    }

    private static LoraSettings separateLora(PpoConfig config, ModelSetup own) {
        boolean adapter = config.critic().valueUsePeft().orElse(config.trainsAdapter());
        return config.lora().withUsePeft(adapter && own.adapter().isEmpty());
    }

    private static AdapterFolder startAdapter(String path, Path directory, HubCache hub) {
        Path folder = RewardModel.folder(path, directory, "value_model_path");
        AdapterFolder given = AdapterFolder.open(folder.toString(), hub);
        if (!given.config().isClassifier()) {
            given.close();
            throw ConfigException.about(
                    "value_model_path",
                    ("%s has task_type %s; value_model: lora starts from an adapter of a reward"
                                    + " model (SEQ_CLS) on the policy's own base, or from nothing")
                            .formatted(folder, given.config().taskType()));
        }
        return given;
    }

    private static Optional<ModelConfig> start(PpoConfig config, Path directory) {
        Optional<String> own = config.critic().valueModelPath();
        String key = own.isPresent() ? "value_model_path" : "reward_model_path";
        return own.or(() -> config.rewardModelPath())
                .map(path -> RewardModel.folder(path, directory, key))
                .map(folder -> config.model().ofFolder(folder));
    }

    private void adapter(Path directory, HubCache hub) {
        Decoder trunk =
                owned(
                        Decoder.scorerOn(
                                policy.decoder(),
                                policy.decoder().config().withLabels(1),
                                model.freshHead(config.training().seed())));
        Policy own = owned(critic(trunk, directory, hub));
        network(new SharedCritic(own, policy.policy()), own, model);
    }

    /// Takes the place of the policy's adapter until [SharedCritic] gives it back.
    private Policy critic(Decoder trunk, Path directory, HubCache hub) {
        Policy.Options options = options(Recomputation.NONE);
        boolean inParts = config.training().ranks().partsGradients();
        Optional<String> start = config.critic().valueModelPath();
        if (start.isEmpty()) {
            return Policy.withFreshAdapter(
                    trunk,
                    AskedAdapter.of(config.lora(), model, trunk.config()).config(),
                    RandomSource.XO_SHI_RO_256_PP.create(config.training().seed()),
                    options,
                    inParts);
        }
        AdapterFolder given = owned(startAdapter(start.get(), directory, hub));
        return Policy.withAdapter(trunk, given, options, inParts);
    }

    private Policy.Options options(Recomputation recomputed) {
        return new Policy.Options(recomputed, false, config.training().seed(), false);
    }

    private void network(CausalPolicy passes, Policy own, ModelSetup setup) {
        critic = new Critic.Network(passes);
        network = Optional.of(own);
        writer = new TrainedModelWriter(setup, own);
    }

    private void head() {
        ValueHead head =
                owned(new ValueHead(policy.decoder(), model.freshHead(config.training().seed())));
        policy.policy().attach(head);
        critic = new Critic.Head(head.parameters());
        writer = new TrainedModelWriter(model, policy.policy(), Optional.of(head));
    }

    private <T extends AutoCloseable> T owned(T resource) {
        owned.push(resource);
        return resource;
    }

    Critic critic() {
        return critic;
    }

    /// Writes it as a model, or an adapter, that scores sequences.
    ModelWriter writer() {
        return writer;
    }

    /// What training policy and critic takes.
    public MemoryNeed memory(TrainingConfig training) {
        StepMemory own = StepMemory.of(policy.policy());
        List<StepMemory> trained =
                network.map(critics -> List.of(own, StepMemory.of(critics))).orElse(List.of(own));
        long numbers = critic.parameters().count();
        ParameterSpace space = policy.policy().parameters();
        long kept = KeptWeights.bytes(space.count() + numbers);
        long state =
                training.stateBytes(space) + training.optimizer().stateBytes(critic.parameters());
        return new MemoryNeed(trained, state + kept);
    }

    /// Says what is computed again in the backward pass.
    void setRecomputed(Recomputation recomputed) {
        network.ifPresent(own -> own.setOptions(options(recomputed)));
    }

    /// Tells what the critic starts from apart from other things.
    String fingerprint(Path directory) {
        ValueModelConfig value = config.critic();
        boolean fromReward =
                value.valueModel() == ValueModelKind.SEPARATE && value.valueModelPath().isEmpty();
        Optional<String> start = fromReward ? config.rewardModelPath() : value.valueModelPath();
        return start.map(
                        path -> {
                            var print = new FileFingerprint();
                            print.add(
                                    RewardModel.find(path, directory)
                                            .orElse(directory.resolve(path)));
                            return print.hex();
                        })
                .orElse("fresh");
    }

    @Override
    public void close() {
        while (!owned.isEmpty()) {
            try {
                owned.pop().close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
