package org.attune.trainers.opening;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Storage;
import org.attune.model.pass.Recomputation;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.policy.AdapterFit;
import org.attune.policy.AdapterStart;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.StepMemory;
import org.attune.policy.TeacherMemory;
import org.attune.tensor.Engine;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.loop.ResumePoint;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.memory.RolloutPlan;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;

/// The policy of a run with its weights. Owns both.
public final class PolicySetup implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PolicySetup.class);

    private final Decoder decoder;
    private final Policy policy;
    private Policy.Options options;
    private final boolean copies;
    private Recomputation recomputed = Recomputation.NONE;
    private FrozenWeights frozen = FrozenWeights.ofOneProcess();

    /// @param copies whether memory is spent on speed
    private PolicySetup(Decoder decoder, Policy policy, Policy.Options options, boolean copies) {
        this.decoder = decoder;
        this.policy = policy;
        this.options = options;
        this.copies = copies;
    }

    /// Loads the weights and makes what is trained: the given adapter, a fresh one, or everything.
    /// On the engine thread.
    ///
    /// @param dropout whether the adapter's own dropout applies
    /// @param rows of the run, for adapters that begin from them
    public static PolicySetup load(
            ModelSetup model,
            LoraSettings lora,
            TrainingConfig training,
            boolean dropout,
            Supplier<List<? extends TrainingRow>> rows) {
        return load(model.loadDecoder(), model, lora, training, dropout, true, rows);
    }

    /// Loads a model for a run that generates, whose copies are all made in [#fitToMemory].
    /// Adapters may still be attached before, which takes the weights that copies for backward
    /// passes replace.
    static PolicySetup loadToGenerate(
            ModelSetup model,
            LoraSettings lora,
            TrainingConfig training,
            boolean dropout,
            Supplier<List<? extends TrainingRow>> rows) {
        return load(model.loadDecoder(), model, lora, training, dropout, false, rows);
    }

    /// Loads a reward model; a causal language model gets a new score head.
    ///
    /// @param dropout whether the adapter's own dropout applies
    /// @param rows of the run, for adapters that begin from them
    public static PolicySetup loadScorer(
            ScorerPurpose purpose,
            ModelSetup model,
            LoraSettings lora,
            TrainingConfig training,
            boolean dropout,
            Supplier<List<? extends TrainingRow>> rows) {
        requireTaskType(purpose, model);
        Decoder scorer = model.loadScorer(purpose, training.seed());
        return load(scorer, model, lora, training, dropout, true, rows);
    }

    /// Makes a reward model of a separate adapter on weights that are loaded already.
    ///
    /// @param trunk whose base the model [has][ModelSetup#hasBaseOf]; borrowed
    public static PolicySetup loadScorerOn(
            PolicySetup trunk,
            ScorerPurpose purpose,
            ModelSetup model,
            LoraSettings lora,
            TrainingConfig training) {
        requireTaskType(purpose, model);
        Decoder scorer = model.loadScorerOn(trunk.decoder, purpose, training.seed());
        return load(scorer, model, lora, training, false, false, List::of);
    }

    /// Before weights are loaded: has the model's blocks stand as often as the adapter asks for,
    /// and looks whether model, adapter and settings fit.
    ///
    /// @param purpose what a model must score; empty if it predicts tokens
    /// @param dropout whether training drops anything
    /// @throws org.attune.error.AttuneException if [#load] or [#loadScorer] would refuse them
    public static void prepare(
            Optional<ScorerPurpose> purpose, ModelSetup model, LoraSettings lora, boolean dropout) {
        AskedAdapter.repeatLayers(lora, model);
        purpose.ifPresent(p -> requireTaskType(p, model));
        requireNoModelDropout(model, dropout);
        DecoderConfig shape = purpose.map(model::scoring).orElseGet(model::predicting);
        model.adapter()
                .ifPresent(
                        given -> {
                            AdapterFit.require(shape, given);
                            requireTrainable(given);
                        });
        requireAdapter(model, lora);
        Optional<String> some = lora.choosingKey();
        if (model.adapter().isPresent() && some.isPresent()) {
            throw ConfigException.about(
                    some.get(),
                    "accepted without adapter_name_or_path, whose adapter leaves all"
                            + " weights as they are");
        }
        if (lora.lisaNLayers().orElse(0) > shape.layers()) {
            throw ConfigException.about(
                    "lisa_n_layers",
                    "%d; accepted: 1 to %d, the blocks of the model"
                            .formatted(lora.lisaNLayers().getAsInt(), shape.layers()));
        }
        if (lora.usePeft()) {
            AskedAdapter asked = AskedAdapter.of(lora, model, shape);
            AdapterFit.require(shape, asked.config());
            requireLost(asked.config(), model);
            model.adapter().ifPresent(asked::requireSame);
        }
    }

    /// LoftQ begins from what few bits leave out.
    private static void requireLost(AdapterConfig asked, ModelSetup model) {
        if (!(asked instanceof LoraConfig lora) || !lora.initialisation().mendsBase()) {
            return;
        }
        Storage storage = model.storage();
        int bits = storage == Storage.INT8 ? 8 : 4;
        int askedBits = lora.options().loftqBits();
        if (!storage.quantises()) {
            throw ConfigException.about(
                    "peft_kwargs",
                    "init_lora_weights \"loftq\" beside quantization: %s; accepted with load_in_4bit: true or load_in_8bit: true, over a model whose files aren't in few bits"
                            .formatted(storage.name().toLowerCase(Locale.ROOT)));
        }
        if (askedBits != 0 && askedBits != bits) {
            throw ConfigException.about(
                    "peft_kwargs",
                    "loftq_config asks for loftq_bits: %d, quantization: %s has %d; write loftq_bits: %d"
                            .formatted(
                                    askedBits,
                                    storage.name().toLowerCase(Locale.ROOT),
                                    bits,
                                    bits));
        }
    }

    private static void requireAdapter(ModelSetup model, LoraSettings lora) {
        Storage storage = model.storage();
        if (storage != Storage.NONE && model.adapter().isEmpty() && !lora.usePeft()) {
            throw ConfigException.about(
                    "use_peft",
                    ("false; accepted: true with weights in few bits, which stay as they are while"
                            + " an adapter is trained (lora_modules_to_save trains embedding and"
                            + " output layer). To train all weights, "
                            + denseInPlaceOf(storage)));
        }
    }

    /// What makes weights dense, by the keys that may have brought them to few bits.
    private static String denseInPlaceOf(Storage storage) {
        return switch (storage) {
            case INT8 -> "leave load_in_8bit: true (quantization: int8) out";
            case NF4, NF4_DOUBLE, FP4, FP4_DOUBLE ->
                    "leave load_in_4bit: true (quantization: %s) out"
                            .formatted(storage.name().toLowerCase(Locale.ROOT));
            case AUTO, NONE, KEEP ->
                    "use quantization: none, without load_in_4bit and load_in_8bit";
        };
    }

    private static void requireTrainable(AdapterFolder given) {
        given.config()
                .untrainable()
                .ifPresent(
                        why -> {
                            throw new ModelException(
                                    "%s/%s: %s".formatted(given.path(), AdapterConfig.FILE, why));
                        });
    }

    /// Nothing here drops activations of the model itself, so training with dropout would not be
    /// the one that the model asks for.
    private static void requireNoModelDropout(ModelSetup model, boolean dropout) {
        DecoderConfig config = model.source().config();
        if (dropout && config.dropout() > 0) {
            throw new ModelException(
                    ("%s/config.json: %s is %s; training accepts 0, since dropout of the model's"
                         + " own activations isn't computed here. Write 0 there; lora_dropout drops"
                         + " inputs of the adapter. Commands that don't train take the model as it"
                         + " is")
                            .formatted(
                                    model.source().path(), config.dropoutKeys(), config.dropout()));
        }
    }

    /// An adapter of another type trains no head: the fresh one would stay noise.
    private static void requireTaskType(ScorerPurpose purpose, ModelSetup model) {
        String needed = purpose.kind().taskType();
        if (model.adapter().isPresent()
                && !model.adapter().get().config().taskType().equals(needed)) {
            throw ConfigException.about(
                    "adapter_name_or_path",
                    ("%s has task_type %s, %s needs %s; merge it into its base (attune merge) and"
                                    + " start from the merged model")
                            .formatted(
                                    model.adapter().get().path(),
                                    model.adapter().get().config().taskType(),
                                    purpose.words(),
                                    needed));
        }
    }

    private static PolicySetup load(
            Decoder decoder,
            ModelSetup model,
            LoraSettings lora,
            TrainingConfig training,
            boolean dropout,
            boolean packsBackward,
            Supplier<List<? extends TrainingRow>> rows) {
        try {
            requireNoModelDropout(model, dropout);
            boolean copies = hasCopies(training);
            Policy.Options options =
                    new Policy.Options(Recomputation.NONE, dropout, training.seed(), false)
                            .withNoise(training.neftuneNoiseAlpha().orElse(0))
                            .withRouterLoss(RouterFactor.of(decoder.config(), training));
            Policy policy = policy(model, decoder, lora, training, options, rows);
            if (copies && packsBackward) {
                decoder.packBackward();
            }
            return new PolicySetup(decoder, policy, options, copies);
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
    }

    private static Policy policy(
            ModelSetup model,
            Decoder decoder,
            LoraSettings lora,
            TrainingConfig training,
            Policy.Options options,
            Supplier<List<? extends TrainingRow>> rows) {
        boolean inParts = training.ranks().partsGradients();
        if (model.adapter().isPresent()) {
            AdapterFolder given = model.adapter().get();
            if (lora.usePeft()) {
                AskedAdapter.of(lora, model, decoder.config()).requireSame(given);
            }
            return Policy.withAdapter(decoder, given, options, inParts);
        }
        if (lora.usePeft()) {
            AdapterConfig asked = AskedAdapter.of(lora, model, decoder.config()).config();
            var random = RandomSource.XO_SHI_RO_256_PP.create(training.seed());
            if (asked instanceof LoraConfig own && own.initialisation().readsRows()) {
                return new DataStart(decoder, training, options, rows.get()).begin(own, random);
            }
            return asked instanceof LoraConfig own && own.initialisation().mendsBase()
                    ? AdapterStart.mending(decoder, own, random, options, inParts)
                    : Policy.withFreshAdapter(decoder, asked, random, options, inParts);
        }
        boolean inTurn = training.optimizer().optimizerInBwd() || inParts;
        if (lora.spectrumTopFraction().isPresent()) {
            Set<String> best = decoder.leastNoisy(lora.spectrumTopFraction().getAsDouble());
            LOG.info("{} weights are trained: {}", best.size(), new TreeSet<>(best));
            return Policy.withWeights(decoder, best::contains, options, inTurn);
        }
        if (lora.lisaNLayers().isPresent()) {
            int blocks = lora.lisaNLayers().getAsInt();
            return Policy.withWeights(decoder, blocks, lora.lisaStepInterval(), options);
        }
        var unfrozen = new Unfrozen(lora.unfrozenParameters());
        Policy policy = Policy.withWeights(decoder, unfrozen, options, inTurn);
        ParameterSpace space = policy.parameters();
        unfrozen.requireUsed(space.parameters().getFirst().name());
        return policy;
    }

    /// Balances experts by the model's factor where no key says otherwise, whether its
    /// configuration asks for that or not.
    void balance(TrainingConfig training) {
        options = options.withRouterLoss(RouterFactor.usual(decoder.config(), training));
        policy.setOptions(options);
    }

    /// Says which processes compute with these weights.
    void among(FrozenWeights weights) {
        frozen = weights;
    }

    /// Loads another model that nobody trains, which is loaded in all processes of the run.
    ///
    /// @param load makes what it will be
    /// @param weights of that
    public <T> T loadFrozen(Supplier<T> load, Function<T, Decoder> weights) {
        return frozen.load(load, weights);
    }

    /// Decides how steps are computed, by the memory that is available now: call it when all that
    /// is long-lived is loaded.
    ///
    /// @param rows how long rows are
    /// @param teacher memory of a frozen model whose distributions are compared; empty without one
    /// @return the settings with what was decided for `tokens_per_micro_batch`
    public TrainingConfig fitToMemory(
            TrainingConfig training, RowTokens rows, Optional<TeacherMemory> teacher) {
        long optimizer = training.stateBytes(policy.parameters());
        var need = MemoryNeed.of(StepMemory.of(policy), optimizer, teacher);
        return fitToMemory(training, need, rows, Optional.empty()).training();
    }

    /// Fits a run to memory in which something else is trained beside the policy, or completions
    /// are generated.
    ///
    /// @param need of all that is trained
    /// @param rollouts what is generated
    public MemoryFit fitToMemory(
            TrainingConfig training,
            MemoryNeed need,
            RowTokens rows,
            Optional<RolloutPlan.Wish> rollouts) {
        if (rollouts.isPresent()) {
            Engine.leavingCores(copies ? decoder::packDecoding : decoder::packDecodingInPlace);
        }
        if (copies) {
            decoder.packBackward();
        }
        if (training.ranks().partsWeights()) {
            frozen.cut(policy);
        }
        if (training.ranks().shareFrozen()) {
            frozen.share(decoder);
        }
        MemoryFit fit = MemoryFit.of(training, policy, need, rows, rollouts);
        recomputed = fit.recomputed();
        policy.setOptions(options.withRecomputed(recomputed));
        return fit;
    }

    /// Memory is spent on speed where no limit is set. A run that goes on does as it did.
    private static boolean hasCopies(TrainingConfig training) {
        return ResumePoint.glance(training.save())
                .flatMap(ResumePoint::hasCopies)
                .orElse(training.batch().maxMemory().isEmpty());
    }

    /// What [#fitToMemory] chose to compute again.
    public Recomputation recomputed() {
        return recomputed;
    }

    public Decoder decoder() {
        return decoder;
    }

    public Policy policy() {
        return policy;
    }

    @Override
    public void close() {
        policy.close();
        decoder.close();
    }
}
