package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.FormulaConfig;
import org.attune.adapter.FormulaTarget;
import org.attune.adapter.Ia3Target;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraOptions;
import org.attune.adapter.LoraTarget;
import org.attune.adapter.PromptConfig;
import org.attune.error.ConfigException;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LayerUpdate;
import org.attune.model.layer.LowRank;
import org.attune.model.layer.Weight;
import org.attune.tensor.Engine;
import org.attune.tensor.ScaledCopies;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// What is trained with one adapter, its modules' values and the modules trained whole: float32
/// masters in a flat parameter space, and compute copies bound to a decoder's layers, refreshed
/// when the masters change.
final class AdapterParameters implements TrainedParameters, BackwardProgress {
    private static final Logger LOG = LoggerFactory.getLogger(AdapterParameters.class);

    private final TensorScope scope = TensorScope.detached("adapter");
    private final Decoder decoder;
    private final AdapterConfig config;
    private final Adapter role;
    private final boolean inTurn;
    private final Predicate<String> unfound;
    private final FlatParameters flat;
    private final WholeModules whole;
    private final AdaptedTables tables;
    private final Optional<PromptTable> prompt;
    private final WholeLinears linears;
    private final SharedTensors shared;
    private final List<AdaptedModule> modules = new ArrayList<>();
    private final List<ScaledCopies> computed = new ArrayList<>();
    private final Map<FusedLinear, List<LayerUpdate>> updates = new LinkedHashMap<>();
    private final Map<FusedLinear, LoraTarget> experts;
    private Optional<LowRank> headUpdate = Optional.empty();

    /// May be called on any thread: what takes the engine comes in pieces ([EnginePieces]).
    ///
    /// @param unfound modules that this adapter can't have
    private AdapterParameters(
            Decoder decoder,
            AdapterConfig config,
            Adapter role,
            boolean inTurn,
            Predicate<String> unfound) {
        PeftModules.requireBlocks(decoder.config(), config);
        this.decoder = decoder;
        this.config = config;
        this.role = role;
        this.inTurn = inTurn;
        this.unfound = unfound;
        var paths = new ArrayList<String>();
        decoder.linears().forEach(l -> l.parts().forEach(p -> paths.add(p.path())));
        paths.removeIf(unfound);
        if (!decoder.config().scores()) {
            paths.add(outputPath()); // a score head is trained whole, if at all
        }
        Map<String, AdapterTarget> targets = new LinkedHashMap<>();
        config.matchAll(paths, decoder.embedding().module()).forEach(t -> targets.put(t.path(), t));
        experts = ExpertTensors.layers(decoder, config);
        var plan = new FlatParameters.Plan();
        Map<FusedLinear, List<AdapterSlot>> slots = new LinkedHashMap<>();
        decoder.linears().forEach(l -> slots.put(l, slots(l, targets, plan)));
        Weight head = decoder.output().weight(); // (V, D)
        Optional<AdapterSlot> headSlot =
                Optional.ofNullable(targets.get(outputPath()))
                        .map(t -> AdapterSlot.of(0, t, head.base().shape(), head::base, plan));
        tables = new AdaptedTables(decoder, config, plan);
        prompt = PromptConfig.of(config).map(p -> new PromptTable(decoder, p, plan));
        whole = new WholeModules(decoder, config, targets.keySet(), plan);
        linears = new WholeLinears(decoder, config, targets::containsKey, plan);
        GradientPlaces gradients = places(slots, plan);
        flat =
                Engine.call(
                        () ->
                                new FlatParameters(
                                        scope, decoder.device(), plan.parameters(), gradients));
        shared =
                within(
                        () -> {
                            if (config instanceof LoraConfig lora
                                    && lora.initialisation().takesFromBase()) {
                                flat.keep(new StartingUpdates(flat, lora));
                            }
                            computed.add(new ScaledCopies(scope));
                            return new SharedTensors(
                                    decoder.device(), AdapterSlot.shapes(slots.values()));
                        });
        EnginePieces.each(slots.entrySet(), s -> attach(s.getKey(), s.getValue()));
        within(
                () -> {
                    attachHead(headSlot, role);
                    whole.attach(flat, role);
                    tables.attach(flat, role);
                    decoder.input().attach(role, prompt.map(p -> p.made(flat, role)));
                    if (role.equals(Adapter.TRAINED)) {
                        spendRanks(slots);
                    }
                    return role;
                });
        flat.onChange(_ -> refresh());
    }

    /// Does something on the engine thread whose tensors are this adapter's.
    private <T> T within(Supplier<T> work) {
        return Engine.call(
                () -> {
                    try (var _ = scope.enter()) {
                        return work.get();
                    }
                });
    }

    private void spendRanks(Map<FusedLinear, List<AdapterSlot>> slots) {
        if (config instanceof FormulaConfig formula && config.untrainable().isEmpty()) {
            Stream<AdapterSlot> all = slots.values().stream().flatMap(List::stream);
            formula.ranks()
                    .map(r -> new RankBudget(flat, r, all.map(AdapterSlot::triplet).toList()))
                    .ifPresent(flat::spend);
        }
    }

    private GradientPlaces places(
            Map<FusedLinear, List<AdapterSlot>> slots, FlatParameters.Plan plan) {
        List<ParameterSpace.Parameter> all = plan.parameters();
        if (!role.equals(Adapter.TRAINED)) {
            return GradientPlaces.none(all);
        }
        return inTurn
                ? GradientPlaces.inTurn(List.of(all), turns(slots, all), Set.of(layers()))
                : GradientPlaces.apart(List.of(all));
    }

    /// The parameters of each block, the last block first, then all others: embedding and output
    /// layer.
    private List<List<ParameterSpace.Parameter>> turns(
            Map<FusedLinear, List<AdapterSlot>> slots, List<ParameterSpace.Parameter> all) {
        List<List<ParameterSpace.Parameter>> turns = new ArrayList<>();
        var others = new LinkedHashSet<>(all);
        for (int block = layers() - 1; block >= 0; block--) {
            List<ParameterSpace.Parameter> own =
                    decoder.blocks().get(block).linears().stream()
                            .flatMap(linear -> slots.get(linear).stream())
                            .flatMap(slot -> slot.place().parameters().stream())
                            .toList();
            own.forEach(others::remove);
            turns.add(own);
        }
        turns.add(List.copyOf(others));
        return turns;
    }

    private String outputPath() {
        return decoder.config().names().outputPath(decoder.config());
    }

    private int layers() {
        return decoder.blocks().size();
    }

    @Override
    public BackwardProgress progress() {
        return inTurn ? this : BackwardProgress.IGNORED;
    }

    @Override
    public void headDone() {}

    @Override
    public void blockDone(int block) {
        flat.complete(layers() - 1 - block);
    }

    @Override
    public void embeddingDone() {
        flat.complete(layers());
    }

    private List<AdapterSlot> slots(
            FusedLinear linear, Map<String, AdapterTarget> targets, FlatParameters.Plan plan) {
        var slots = new ArrayList<AdapterSlot>();
        for (int i = 0; i < linear.parts().size(); i++) {
            AdapterTarget t = targets.get(linear.parts().get(i).path());
            if (t != null) {
                slots.add(AdapterSlot.of(i, t, decoder, linear, plan));
            }
        }
        LoraTarget expert = experts.get(linear);
        if (expert != null) {
            if (!slots.isEmpty()) {
                throw ConfigException.about(
                        "peft_kwargs",
                        "target_parameters %s and the target modules both name %s; name it once"
                                .formatted(config.parameters(), slots.getFirst().target().path()));
            }
            long[] shape = {linear.out(), linear.in()};
            slots.add(AdapterSlot.of(0, expert, shape, () -> whole(linear), plan));
        }
        return slots;
    }

    private Tensor whole(FusedLinear linear) {
        return Tensor.cat(
                0,
                IntStream.range(0, linear.parts().size())
                        .mapToObj(part -> decoder.weight(linear, part))
                        .toArray(Tensor[]::new));
    }

    private void attach(FusedLinear linear, List<AdapterSlot> slots) {
        try (var _ = scope.enter()) {
            Engine.leavingCores(() -> attachWithin(linear, slots));
        }
    }

    private void attachWithin(FusedLinear linear, List<AdapterSlot> slots) {
        boolean learns = role.equals(Adapter.TRAINED);
        if (!learns) {
            computed.add(new ScaledCopies(scope)); // each by itself: none is made at every step
        }
        ScaledCopies copies = computed.getLast();
        List<LayerUpdate> own = new ArrayList<>(linears.updates(linear, flat, learns, copies));
        slots.forEach(s -> own.addAll(module(s, role).updates()));
        updates.put(linear, own);
        if (learns) {
            linear.attachTrained(own);
        } else {
            linear.attachFrozen(role, own);
        }
    }

    private void attachHead(Optional<AdapterSlot> slot, Adapter role) {
        headUpdate =
                slot.map(s -> module(s, role) instanceof LoraModule lora ? lora.lowRank() : null);
        if (role.equals(Adapter.TRAINED)) {
            decoder.output().attachTrained(headUpdate);
        } else {
            decoder.output().attachFrozen(role, headUpdate);
        }
    }

    /// Takes the place of another adapter that is trained on the same weights.
    void attachAgain() {
        updates.forEach(FusedLinear::attachTrained);
        updates.keySet().forEach(FusedLinear::refreshTrained);
        decoder.output().attachTrained(headUpdate);
        whole.attachAgain();
        tables.attachAgain();
        decoder.input().attach(Adapter.TRAINED, prompt.map(PromptTable::tokens));
    }

    private AdaptedModule module(AdapterSlot s, Adapter role) {
        boolean learns = role.equals(Adapter.TRAINED);
        AdaptedModule module =
                switch (s.target()) {
                    case LoraTarget t ->
                            new LoraModule(
                                    t,
                                    s.place(),
                                    flat,
                                    flat.start(),
                                    learns,
                                    decoder.dtype(),
                                    computed.getLast());
                    case Ia3Target t -> new Ia3Module(t, s.place(), flat, learns);
                    case FormulaTarget t ->
                            new FormulaModule(
                                    t, s.place(), flat, shared.values(), learns, decoder.dtype());
                };
        modules.add(module);
        return module;
    }

    /// @param random source of the initial values
    /// @param inTurn whether gradients share memory
    static AdapterParameters fresh(
            Decoder decoder, AdapterConfig config, UniformRandomProvider random, boolean inTurn) {
        AdapterParameters made = unwritten(decoder, config, inTurn);
        made.modules.forEach(m -> m.initialise(config.initialisation(), random));
        made.tables.initialise(config.initialisation(), random);
        made.prompt.ifPresent(p -> p.initialise(random));
        made.refresh();
        return made;
    }

    /// An adapter whose matrices are zero until they are written.
    static AdapterParameters unwritten(Decoder decoder, AdapterConfig config, boolean inTurn) {
        AdapterFit.require(decoder.config(), config);
        Predicate<String> unfound = PeftModules.unfound(decoder.config(), config);
        var made = new AdapterParameters(decoder, config, Adapter.TRAINED, inTurn, unfound);
        PeftModules.tellLeftOut(decoder.config(), config);
        if (config.biases() != LoraOptions.Biases.NONE
                && made.flat.parameters().stream().noneMatch(made::isBaseBias)) {
            LOG.warn(
                    "bias is \"{}\", but no module that it means has a bias: it changes nothing",
                    config.biases().peftName());
        }
        if (new MergedWeights(decoder, Optional.of(made)).unties()) {
            LOG.info(
                    "Embedding and output layer of the model are one tensor; with this adapter they"
                            + " part, and merging writes both");
        }
        return made;
    }

    /// An adapter from a PEFT folder.
    ///
    /// @param role what it is attached as
    /// @param inTurn whether gradients share memory, if it is trained
    static AdapterParameters load(
            Decoder decoder, AdapterFolder folder, Adapter role, boolean inTurn) {
        AdapterFit.require(decoder.config(), folder);
        Predicate<String> unfound = PeftModules.unfound(decoder.config(), folder);
        var made = new AdapterParameters(decoder, folder.config(), role, inTurn, unfound);
        try {
            new AdapterFile(decoder, made).read(folder);
            made.refresh();
        } catch (RuntimeException | Error e) {
            Engine.run(made::close);
            throw e;
        }
        return made;
    }

    /// A copy of this adapter's present values.
    ///
    /// @param role what it is attached as, a frozen one
    AdapterParameters snapshot(Adapter role) {
        var copy = new AdapterParameters(decoder, config, role, false, unfound);
        copy.flat.values().copyInPlace(flat.values());
        copy.shared.copy(shared);
        copy.flat.start().ifPresent(s -> s.copy(flat.start().orElseThrow()));
        copy.refresh();
        return copy;
    }

    /// Brings the compute copies up to date.
    private void refresh() {
        EnginePieces.each(computed, ScaledCopies::run);
        AdaptedModule.refresh(modules, decoder);
        Engine.run(this::refreshOthers);
        if (role.equals(Adapter.TRAINED)) {
            EnginePieces.each(decoder.linears(), FusedLinear::refreshTrained);
        } else {
            EnginePieces.each(decoder.linears(), linear -> linear.frozenChanged(role));
        }
    }

    private void refreshOthers() {
        try (var _ = TensorScope.open("lora")) {
            whole.refresh(flat);
            linears.refresh(flat);
            tables.refresh();
            prompt.ifPresent(PromptTable::refresh);
        }
        decoder.forgetSeen(role);
    }

    @Override
    public FlatParameters parameters() {
        return flat;
    }

    /// The configuration; of an adapter whose ranks were cut, that of its file.
    AdapterConfig config() {
        return flat.budget()
                .flatMap(RankBudget::pattern)
                .<AdapterConfig>map(pattern -> ((FormulaConfig) config).withRanks(pattern))
                .orElse(config);
    }

    SharedTensors shared() {
        return shared;
    }

    List<AdapterTarget> targets() {
        return modules.stream().map(AdaptedModule::target).toList();
    }

    /// Whether the model is as without the adapter: as long as a fresh one hasn't learnt.
    boolean changesNothing() {
        try (var _ = TensorScope.open("adapter")) {
            return prompt.isEmpty()
                    && whole.isEmpty()
                    && linears.isEmpty()
                    && tables.changesNothing()
                    && modules.stream().allMatch(AdaptedModule::changesNothing);
        }
    }

    /// What the adapter does to a module, if it does something.
    Optional<AdaptedModule> module(String path) {
        return modules.stream().filter(m -> m.target().path().equals(path)).findFirst();
    }

    /// The float32 weight of a linear module with its update.
    ///
    /// @param weight float32 `(out, in)`
    Tensor merged(FusedLinear linear, int part, Tensor weight) {
        FusedLinear.Part p = linear.parts().get(part);
        LoraTarget expert = experts.get(linear);
        if (expert == null) {
            Tensor own = linears.weight(linear, part, flat).orElse(weight);
            return module(p.path()).map(m -> m.merged(weight)).orElse(own);
        }
        return module(expert.path()).orElseThrow() instanceof LoraModule lora
                ? lora.mergedRows(weight, p.firstRow())
                : weight;
    }

    /// Whether a linear module has an update.
    boolean adapts(FusedLinear linear, int part) {
        return experts.containsKey(linear)
                || module(linear.parts().get(part).path()).isPresent()
                || linears.weight(linear, part, flat).isPresent();
    }

    /// Whether the output layer has an update.
    boolean adaptsOutput() {
        return headUpdate.isPresent();
    }

    /// Embedding and output layer where their rows are changed.
    AdaptedTables tables() {
        return tables;
    }

    Optional<PromptTable> prompt() {
        return prompt;
    }

    /// The trained bias of a linear module, float32, if it is trained.
    Optional<Tensor> trainedBias(FusedLinear layer, int part) {
        return linears.bias(layer, part, flat);
    }

    /// Whether a parameter is a bias of the base model.
    boolean isBaseBias(ParameterSpace.Parameter parameter) {
        return linears.isBias(parameter) || whole.isBias(parameter);
    }

    /// The parameter that is trained in a weight's place, if it is trained whole.
    Optional<ParameterSpace.Parameter> trainedWhole(Weight weight) {
        return whole.parameterOf(weight);
    }

    /// Names of a parameter in PEFT's files.
    List<String> namesOf(ParameterSpace.Parameter parameter) {
        List<String> names = whole.namesOf(parameter);
        return names.isEmpty() ? List.of(parameter.name()) : names;
    }

    /// Writes the adapter as PEFT does.
    ///
    /// @param baseModel `base_model_name_or_path`
    void save(Path folder, String baseModel) {
        new AdapterFile(decoder, this).write(folder, baseModel);
    }

    /// Writes it with a value head on its trunk, as an adapter of a model that scores.
    void saveScorer(Path folder, String baseModel, ValueHead head) {
        new AdapterFile(decoder, this).writeScorer(folder, baseModel, head);
    }

    @Override
    public void close() {
        scope.close();
    }
}
