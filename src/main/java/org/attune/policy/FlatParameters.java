package org.attune.policy;

import org.attune.ranks.Collective;
import org.attune.ranks.RankParts;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;

/// Flat float32 values and gradients with named views. Long-lived tensors belong to the given
/// scope.
final class FlatParameters implements ParameterSpace {
    private List<Parameter> parameters;
    private GradientPlaces places;
    private final Tensor values;
    private final Tensor gradients;
    private final TensorScope owner;
    private Optional<GradientParts> parts = Optional.empty();
    private Optional<CutWeights> cut = Optional.empty();
    private Optional<RankBudget> budget = Optional.empty();
    private Optional<StartingUpdates> start = Optional.empty();
    private Optional<DrawnBlocks> turns = Optional.empty();
    private final List<IntConsumer> listeners = new ArrayList<>();
    private IntConsumer use =
            _ -> {
                throw new IllegalStateException(
                        "nobody uses gradients while a backward pass makes them (whenComplete),"
                                + " and they aren't kept");
            };

    /// @param trained whether there are gradients
    FlatParameters(TensorScope owner, Device device, List<Parameter> parameters, boolean trained) {
        this(
                owner,
                device,
                parameters,
                trained
                        ? GradientPlaces.apart(List.of(parameters))
                        : GradientPlaces.none(parameters));
    }

    /// @param places of gradients
    FlatParameters(
            TensorScope owner, Device device, List<Parameter> parameters, GradientPlaces places) {
        this.owner = owner;
        this.parameters = List.copyOf(parameters);
        this.places = places;
        long size = parameters.stream().mapToLong(Parameter::count).sum();
        try (var _ = owner.enter()) {
            // What isn't trained is written by who makes it: zeros would take as long as that.
            values =
                    places.size() == 0
                            ? Tensor.empty(device, DType.FLOAT32, size)
                            : Tensor.zeros(device, DType.FLOAT32, size);
            gradients = Tensor.zeros(device, DType.FLOAT32, places.size());
        }
    }

    /// Collects parameters in flat order.
    static final class Plan {
        private final List<Parameter> parameters = new ArrayList<>();
        private long offset;

        Parameter add(String name, boolean decays, long... shape) {
            var p = new Parameter(name, shape, offset, decays);
            offset += p.count();
            parameters.add(p);
            return p;
        }

        List<Parameter> parameters() {
            return parameters;
        }
    }

    @Override
    public Tensor values() {
        return values;
    }

    @Override
    public Tensor gradients() {
        return gradients;
    }

    @Override
    public List<Parameter> parameters() {
        return parameters;
    }

    @Override
    public List<List<Parameter>> groups() {
        return places.groups();
    }

    @Override
    public List<List<Parameter>> turns() {
        return places.turns();
    }

    @Override
    public GradientParts gradientParts(Collective ranks) {
        GradientParts these =
                parts.filter(p -> p.ranks() == ranks)
                        .orElseGet(() -> new GradientParts(owner, this, ranks));
        parts = Optional.of(these);
        return these;
    }

    @Override
    public long gradientOffset(Parameter parameter) {
        return places.start(parameter);
    }

    @Override
    public boolean sharesGradients() {
        return places.shared();
    }

    /// The master value of a parameter in its shape, a view in the current scope. Where this
    /// process [doesn't keep][#keepsValues] all values, it is good until another one is asked for.
    Tensor value(Parameter p) {
        cut.ifPresent(c -> c.show(p));
        return view(p);
    }

    /// The master value of a parameter in its shape, a view in the current scope, where it is known
    /// to be here.
    Tensor view(Parameter p) {
        return values.narrow(0, p.offset(), p.count()).reshape(p.shape());
    }

    /// Sets the values of a parameter.
    void write(Parameter p, float[] numbers) {
        try (var _ = TensorScope.open("write")) {
            value(p).copyInPlace(Tensor.of(values.device(), numbers, p.shape()));
        }
    }

    /// The gradient of a parameter in its shape, a view in the current scope.
    Tensor gradient(Parameter p) {
        return gradients.narrow(0, gradientOffset(p), p.count()).reshape(p.shape());
    }

    @Override
    public void whenComplete(IntConsumer use) {
        if (!sharesGradients()) {
            ParameterSpace.super.whenComplete(use);
        }
        this.use = use;
    }

    /// Says that a backward pass has finished the gradients of a turn.
    void complete(int turn) {
        if (sharesGradients()) {
            use.accept(turn);
        }
    }

    /// Registers a refresh of compute copies, given the number of the group that changed.
    void onChange(IntConsumer refresh) {
        listeners.add(refresh);
    }

    /// Has values come and go from now on.
    void comeAndGo(CutWeights how) {
        cut = Optional.of(how);
    }

    /// Has parameters take turns from now on.
    void takeTurns(DrawnBlocks how) {
        turns = Optional.of(how);
    }

    /// Brings other parameters to the places of those that are here.
    void replace(List<Parameter> others, GradientPlaces at) {
        parameters = List.copyOf(others);
        places = at;
    }

    @Override
    public boolean takesTurns() {
        return turns.isPresent();
    }

    @Override
    public long draw(long updates) {
        return turns.map(t -> t.draw(updates)).orElse(updates);
    }

    @Override
    public boolean isLasting(Parameter parameter) {
        return turns.map(t -> t.isLasting(parameter)).orElse(true);
    }

    @Override
    public List<Parameter> candidates() {
        return turns.map(DrawnBlocks::candidates).orElse(parameters);
    }

    /// Has training spend ranks.
    void spend(RankBudget ranks) {
        budget = Optional.of(ranks);
    }

    /// Keeps what matrices began as.
    void keep(StartingUpdates began) {
        start = Optional.of(began);
    }

    /// What matrices began as, where the base is without that.
    Optional<StartingUpdates> start() {
        return start;
    }

    /// What training does with ranks.
    Optional<RankBudget> budget() {
        return budget;
    }

    @Override
    public boolean followsUpdates() {
        return budget.isPresent();
    }

    @Override
    public void completeGradients() {
        budget.ifPresent(RankBudget::completeGradients);
    }

    @Override
    public void updated(int step, double gradientScale) {
        budget.ifPresent(b -> b.updated(step, gradientScale));
    }

    @Override
    public Map<String, Tensor> ownState() {
        return budget.map(RankBudget::state)
                .or(() -> start.map(StartingUpdates::state))
                .or(() -> turns.map(DrawnBlocks::resting))
                .orElse(Map.of());
    }

    @Override
    public boolean keepsValues() {
        return cut.isEmpty();
    }

    @Override
    public void gatherValues(RankParts of) {
        if (cut.isEmpty()) {
            ParameterSpace.super.gatherValues(of);
        } else {
            cut.get().gatherOthers();
            valuesChanged();
            cut.get().changed();
        }
    }

    @Override
    public void replaceValues(Runnable write) {
        if (cut.isEmpty()) {
            ParameterSpace.super.replaceValues(write);
        } else {
            cut.get().replace(write);
            valuesChanged();
            cut.get().changed();
        }
    }

    @Override
    public void valuesChanged() {
        for (int group = 0; group < groups().size(); group++) {
            valuesChanged(group);
        }
    }

    @Override
    public void valuesChanged(int group) {
        listeners.forEach(l -> l.accept(group));
    }
}
