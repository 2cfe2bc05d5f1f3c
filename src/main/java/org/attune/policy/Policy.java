package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.api.Api;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.MixersConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.model.pass.DecoderRun;
import org.attune.model.pass.EmbeddingNoise;
import org.attune.model.pass.Layout;
import org.attune.model.pass.PassRecord;
import org.attune.model.pass.Recomputation;
import org.attune.ranks.ServingCollective;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/// A decoder that is trained, through an adapter or in all of its weights, and the references
/// that share its weights. Use it on the engine thread. The caller owns the decoder.
@Api(EXPERIMENTAL)
public final class Policy implements CausalPolicy {
    /// The adapter as it was when [#frozenAdapter] was called.
    public static final Adapter SNAPSHOT = Adapter.frozen(0);

    private final Decoder decoder;
    private final TrainedParameters trained;
    private Options options;
    private AdapterParameters frozen;
    private final List<AdapterParameters> others = new ArrayList<>();
    private Optional<ValueHead> values = Optional.empty();
    private Optional<PassRecord> record = Optional.empty();
    private long step;
    private int evaluations;

    /// How passes run.
    ///
    /// @param recomputed what is computed again in the backward pass instead of being kept
    /// @param dropout whether the adapter's own dropout applies in [#evaluate]
    /// @param dropoutSeed seed of that dropout and of noise, for the whole run
    /// @param plain whether blocks run in ordinary operators with autograd
    /// @param noise `α` of the noise on embeddings in training ([EmbeddingNoise]); 0: none
    /// @param routerLoss as in [CausalPolicy#routerLoss]
    public record Options(
            Recomputation recomputed,
            boolean dropout,
            long dropoutSeed,
            boolean plain,
            double noise,
            double routerLoss) {
        /// Options without noise.
        public Options(Recomputation recomputed, boolean dropout, long dropoutSeed, boolean plain) {
            this(recomputed, dropout, dropoutSeed, plain, 0, 0);
        }

        public static Options defaults() {
            return new Options(Recomputation.NONE, true, 0, false);
        }

        /// Replaces what is computed again.
        public Options withRecomputed(Recomputation changed) {
            return new Options(changed, dropout, dropoutSeed, plain, noise, routerLoss);
        }

        /// Sets the noise on embeddings.
        public Options withNoise(double alpha) {
            return new Options(recomputed, dropout, dropoutSeed, plain, alpha, routerLoss);
        }

        /// Sets the factor of the loss that balances experts.
        public Options withRouterLoss(double factor) {
            return new Options(recomputed, dropout, dropoutSeed, plain, noise, factor);
        }
    }

    Policy(Decoder decoder, TrainedParameters trained, Options options) {
        this.decoder = decoder;
        this.trained = trained;
        setOptions(options);
        decoder.pack();
    }

    /// Trains a fresh adapter.
    ///
    /// @param random source of the initial values
    public static Policy withFreshAdapter(
            Decoder decoder, AdapterConfig config, UniformRandomProvider random, Options options) {
        return withFreshAdapter(decoder, config, random, options, false);
    }

    /// Trains a fresh adapter.
    ///
    /// @param random source of the initial values
    /// @param inTurn whether gradients share memory, as with [#withWeights]
    public static Policy withFreshAdapter(
            Decoder decoder,
            AdapterConfig config,
            UniformRandomProvider random,
            Options options,
            boolean inTurn) {
        return new Policy(
                decoder, AdapterParameters.fresh(decoder, config, random, inTurn), options);
    }

    /// Trains on from an adapter in a PEFT folder.
    public static Policy withAdapter(Decoder decoder, AdapterFolder folder, Options options) {
        return withAdapter(decoder, folder, options, false);
    }

    /// Trains on from an adapter in a PEFT folder.
    ///
    /// @param inTurn as with [#withFreshAdapter]
    public static Policy withAdapter(
            Decoder decoder, AdapterFolder folder, Options options, boolean inTurn) {
        return new Policy(
                decoder, AdapterParameters.load(decoder, folder, Adapter.TRAINED, inTurn), options);
    }

    /// Trains all weights.
    public static Policy withAllWeights(Decoder decoder, Options options) {
        return withWeights(decoder, _ -> true, options, false);
    }

    /// Trains weights. The others have neither gradients nor an optimizer's state, and backward
    /// passes end at the first block that learns.
    ///
    /// @param trains names of weights, as Hugging Face spells them
    /// @param inTurn whether no more gradients are kept at a time than those of one block and of a
    ///     tied embedding. Each must be used while the backward pass goes on
    ///     ([ParameterSpace#whenComplete]), of which there is one a step: the fused update of
    ///     [Lv et al. 2023](https://arxiv.org/abs/2306.09782)
    /// @throws org.attune.error.ConfigException if nothing is trained
    public static Policy withWeights(
            Decoder decoder, Predicate<String> trains, Options options, boolean inTurn) {
        return new Policy(decoder, new FullParameters(decoder, trains, inTurn), options);
    }

    /// Trains all weights, but of the blocks only some at a time, drawn by the options' seed.
    ///
    /// @param blocks that learn at a time
    /// @param interval updates after which others are drawn, with fresh moments
    public static Policy withWeights(Decoder decoder, int blocks, int interval, Options options) {
        var plan = new DrawnBlocks.Plan(blocks, interval, options.dropoutSeed());
        return new Policy(decoder, new FullParameters(decoder, plan), options);
    }

    public Decoder decoder() {
        return decoder;
    }

    /// The adapter's configuration, or empty if all weights are trained.
    public Optional<AdapterConfig> adapter() {
        return own().map(AdapterParameters::config);
    }

    private Optional<AdapterParameters> own() {
        return trained instanceof AdapterParameters adapter
                ? Optional.of(adapter)
                : Optional.empty();
    }

    /// @param purpose what it is needed for
    /// @throws IllegalStateException if all weights are trained
    AdapterParameters own(String purpose) {
        return own().orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "all weights are trained: there is no adapter to "
                                                + purpose));
    }

    /// Changes how later passes run.
    public void setOptions(Options changed) {
        PromptTable.requireFits(decoder, adapterInUse(), changed);
        options = changed;
    }

    @Override
    public Evaluation evaluate(TokenForest forest, HeadRequest request) {
        boolean routers = routerLoss() > 0;
        var runOptions =
                new DecoderRun.Options(
                        true, options.recomputed(), dropout(), options.plain(), noise(), routers);
        return new PolicyEvaluation(this, rows(forest), request, runOptions);
    }

    private TokenForest rows(TokenForest forest) {
        return FrozenPass.rows(decoder, adapterInUse(), forest, routerLoss() > 0);
    }

    @Override
    public double routerLoss() {
        return options.routerLoss();
    }

    /// Every step draws other noise; its evaluations draw the same of a sequence.
    private EmbeddingNoise noise() {
        return new EmbeddingNoise(options.noise(), options.dropoutSeed() * 1_000_003 + step);
    }

    @Override
    public Measurement measureInTraining(TokenForest forest, HeadRequest request) {
        return measure(forest, request, DecoderRun.Options.forwardOnly(noise()));
    }

    /// Every evaluation of a step drops others; a resumed run drops the same as one that never
    /// stopped.
    private Dropout dropout() {
        if (!hasDropout()) {
            return Dropout.NONE;
        }
        long seed = (options.dropoutSeed() * 1_000_003 + step) * 1_000_003 + evaluations++;
        return new Dropout(own("drop inputs of").config().dropout(), seed);
    }

    /// Whether [#evaluate] drops inputs of an adapter.
    public boolean hasDropout() {
        return options.dropout() && own().filter(a -> a.config().dropout() > 0).isPresent();
    }

    @Override
    public Recomputation.Shares recomputed() {
        return options.recomputed().shares(decoder.config().layers());
    }

    @Override
    public boolean hasCopies() {
        return decoder.packsBackward();
    }

    @Override
    public void startStep(long number) {
        step = number;
        evaluations = 0;
    }

    @Override
    public void startAt(int evaluation) {
        evaluations = evaluation;
    }

    @Override
    public Measurement measure(TokenForest forest, HeadRequest request) {
        return measure(forest, request, DecoderRun.Options.forwardOnly());
    }

    private Measurement measure(
            TokenForest given, HeadRequest request, DecoderRun.Options plainOptions) {
        TokenForest forest = rows(given);
        DecoderRun.Options runOptions = plainOptions.withRouters(routerLoss() > 0);
        try (var _ = TensorScope.open("measure")) {
            var targets = TargetTensors.ahead(decoder.device(), forest);
            var use = OutputHead.Use.measuring(adapterInUse()).with(targets);
            return measure(forest, request, runOptions, use);
        }
    }

    private Measurement measure(
            TokenForest forest,
            HeadRequest request,
            DecoderRun.Options runOptions,
            OutputHead.Use use) {
        try (var run = new DecoderRun(decoder, layout(forest), adapterInUse(), runOptions);
                var head = head(run.hidden(), forest, request, use)) {
            return head.measurement().withLoads(run.loads());
        }
    }

    /// The adapter that is trained, if there is one.
    public Adapter adapterInUse() {
        return own().isPresent() ? Adapter.TRAINED : Adapter.OFF;
    }

    /// The head of a pass with the policy's own weights.
    ///
    /// @param hidden output of the last block, `(N, D)`
    Head head(Tensor hidden, TokenForest forest, HeadRequest request, OutputHead.Use use) {
        if (!request.statistics().contains(HeadStatistic.VALUE)) {
            return Head.of(decoder, hidden, forest, request, use);
        }
        if (values.isEmpty()) {
            throw new IllegalArgumentException("the policy has no value head");
        }
        ValueHead on = values.get();
        return on.join(new OutputHead(decoder, hidden, forest, request, use), hidden, forest, use);
    }

    /// Puts a value head on the trunk, so that passes can be asked for
    /// [HeadStatistic#VALUE]. The caller closes it after the policy's last pass.
    public void attach(ValueHead head) {
        values = Optional.of(head);
    }

    /// Makes the adapter the trained one of its decoder again, where another policy on the same
    /// frozen weights has taken that place. Passes of a policy whose adapter isn't attached are
    /// wrong. Does nothing if all weights are trained.
    public void attachAdapter() {
        own().ifPresent(AdapterParameters::attachAgain);
    }

    /// The reference "same weights, adapter off". With a fresh adapter it is what the policy
    /// [starts][Scorer#start] as.
    ///
    /// @throws IllegalStateException if all weights are trained
    public Scorer adapterOff() {
        boolean same = own("switch off").changesNothing();
        Scorer.Start start = same ? Scorer.Start.SAME : Scorer.Start.OTHER;
        return Scorer.starting(FrozenPass.scorer(decoder, Adapter.OFF), start);
    }

    /// The reference "adapter as it is now", before the first update: later training doesn't change
    /// it. One per policy; a second call replaces the first.
    public Scorer frozenAdapter() {
        AdapterParameters adapter = own("take a snapshot of");
        if (frozen != null) {
            frozen.close();
        }
        frozen = adapter.snapshot(SNAPSHOT);
        boolean drops = hasDropout() && !adapter.changesNothing();
        return Scorer.starting(
                FrozenPass.scorer(decoder, SNAPSHOT),
                drops ? Scorer.Start.WITHOUT_DROPOUT : Scorer.Start.SAME);
    }

    /// The reference "adapter as it is now", which can follow the policy later on.
    public MovingReference movingAdapter() {
        Scorer scorer = frozenAdapter();
        return MovingReference.ofAdapter(scorer, parameters(), frozen);
    }

    /// A separate model as a reference that can follow a policy of which all weights are trained.
    /// The caller closes it before the model.
    ///
    /// @param reference has this policy's shape; borrowed, and its weights move
    /// @param start whether it is what the policy starts as
    /// @throws IllegalArgumentException if it has other weights than the policy trains
    public MovingReference movingModel(Decoder reference, Scorer.Start start) {
        Set<String> still = trained instanceof FullParameters full ? full.frozen() : Set.of();
        Scorer scorer = Scorer.starting(reference(reference), start);
        return MovingReference.ofModel(scorer, parameters(), still, reference);
    }

    /// Adds a frozen adapter on the same weights, to generate or measure with beside the policy's
    /// own. Lives as long as the policy.
    ///
    /// @return names it in a pass
    public Adapter addAdapter(AdapterFolder folder) {
        Adapter role = Adapter.frozen(others.size() + 1);
        others.add(AdapterParameters.load(decoder, folder, role, false));
        return role;
    }

    /// Adds a frozen adapter with a score head on the same weights: a judge that takes no more
    /// memory than its adapter. Lives as long as the policy.
    ///
    /// @param scorer made by [Decoder#scorerOn] of the policy's decoder; borrowed
    /// @throws IllegalStateException if all weights are trained: the judge would change with them
    public Scorer addScorer(Decoder scorer, AdapterFolder folder) {
        if (own().isEmpty()) {
            throw new IllegalStateException("weights that are trained can't serve a judge too");
        }
        Adapter role = Adapter.frozen(others.size() + 1);
        others.add(AdapterParameters.load(scorer, folder, role, false));
        return (forest, request) -> FrozenPass.measure(scorer, role, forest, request);
    }

    /// A separate frozen model as a reference.
    public static Scorer reference(Decoder decoder) {
        return FrozenPass.scorer(decoder, Adapter.OFF);
    }

    /// How the rows of a forest attend to each other.
    public static Layout layout(TokenForest forest) {
        List<Layout.Span> spans = forest.segments().stream().map(Policy::span).toList();
        return new Layout(forest.tokens(), forest.positions(), spans);
    }

    private static Layout.Span span(TokenForest.Segment s) {
        return new Layout.Span(s.parent(), s.start(), s.end(), s.seesItself(), s.leftOut());
    }

    @Override
    public boolean equalBatches() {
        return decoder.config().vision().map(v -> v.equalBatches()).orElse(false);
    }

    @Override
    public FlatParameters parameters() {
        return trained.parameters();
    }

    /// Who is told how far a backward pass is.
    BackwardProgress progress() {
        return trained.progress();
    }

    DecoderRun run(TokenForest forest, DecoderRun.Options runOptions) {
        Layout layout = layout(forest);
        return new DecoderRun(
                decoder, layout, adapterInUse(), runOptions, recorded(layout, runOptions));
    }

    private Optional<DecoderRun.Recorded> recorded(Layout layout, DecoderRun.Options runOptions) {
        if (record.isEmpty()
                || PromptTable.isPrefix(decoder, adapterInUse())
                || runOptions.plain()
                || runOptions.routers()
                || runOptions.dropout().isOn()
                || runOptions.noise().isOn()) {
            return Optional.empty();
        }
        PassRecord from = record.get();
        return from.rows(layout).map(rows -> new DecoderRun.Recorded(from, rows));
    }

    /// Keeps this process's part of the blocks' trained weights only, and has a block's weights
    /// while it is computed, where all weights are trained on several processes. All of them make
    /// this call, with policies that [share][#withWeights] gradients' memory.
    ///
    /// @param ranks of the run; borrowed
    /// @return bytes that left this process's memory; 0 where an adapter is trained
    public long cutWeights(ServingCollective ranks) {
        return trained instanceof FullParameters full ? full.cut(ranks) : 0;
    }

    /// Makes a record of what is read with these weights serve [#evaluate] as its forward pass
    /// through the blocks, wherever it has all of it. Forgets it whenever the weights change.
    ///
    /// @param kept borrowed, for as long as this policy is used
    public void reuse(PassRecord kept) {
        record = Optional.of(kept);
        parameters().onChange(_ -> kept.forget());
    }

    /// Writes the adapter as PEFT does.
    ///
    /// @param baseModel `base_model_name_or_path`
    public void saveAdapter(Path folder, String baseModel) {
        own("save").save(folder, baseModel);
    }

    /// Writes the adapter with a value head as PEFT writes one of a model that scores.
    ///
    /// @param baseModel `base_model_name_or_path`
    public void saveScorer(Path folder, String baseModel, ValueHead head) {
        own("save").saveScorer(folder, baseModel, head);
    }

    /// All weights with the adapter merged in, to write as a model of [#mergedConfig].
    public List<SafeTensorsWriter.Source> weights(DType dtype) {
        return trained instanceof FullParameters full
                ? full.sources(dtype)
                : new MergedWeights(decoder, own()).sources(dtype);
    }

    /// All weights by module, experts one by one, with an adapter merged in if there is one.
    public static List<SafeTensorsWriter.Source> modules(
            Decoder decoder, Optional<Policy> adapted, DType dtype) {
        return new MergedWeights(decoder, adapted.flatMap(Policy::own)).modules(dtype);
    }

    /// Configuration of [#weights]: the base model's, but with a separate output layer if the
    /// adapter changes a tied embedding and output layer apart, and of copies of a block as blocks.
    ///
    /// @param dtype of the file
    public DecoderConfig mergedConfig(DType dtype) {
        DecoderConfig config = MixersConfig.ownBlocks(decoder.config().withDtype(dtype));
        boolean unties = own().isPresent() && new MergedWeights(decoder, own()).unties();
        return unties ? config.withSeparateOutputLayer() : config;
    }

    /// All weights of a decoder without an adapter, to write as a model.
    public static List<SafeTensorsWriter.Source> weights(Decoder decoder, DType dtype) {
        return new MergedWeights(decoder, Optional.empty()).sources(dtype);
    }

    @Override
    public void close() {
        trained.close();
        if (frozen != null) {
            frozen.close();
        }
        others.forEach(AdapterParameters::close);
    }
}
