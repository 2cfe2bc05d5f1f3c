package org.attune.model.layer;

import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// One pass through [Experts], forward and backward by hand but for the router, whose small graph
/// autograd follows back. What experts read and what is activated is made again in the backward
/// pass. `N` rows, `k` experts of each, `D` width, `F` inner width, `U` columns of what an expert's
/// first projection puts out.
public final class ExpertsPass {
    private final Experts part;
    private final Tensor h; // (N, D)
    private final Adapter adapter;
    private final Dropout dropout;
    private final Optional<RouterWatch> watch;
    private final ExpertRows places;
    private final Tensor weights; // (N, k), in the compute dtype
    private final List<Tensor> opened = new ArrayList<>(); // by expert, (n, U), or null
    private final Tensor put; // (N k, D), by expert
    private final Tensor sharedOpened; // (N, U), or null
    private final Tensor sharedPut; // (N, D), or null
    private final Tensor out; // (N, D)

    /// A parameter of the router's graph, and who gets its gradient.
    private record Leaf(Tensor parameter, Consumer<Tensor> learner) {}

    private ExpertsPass(
            Experts part, Tensor h, Adapter adapter, Dropout dropout, Optional<RouterWatch> watch) {
        this.part = part;
        this.h = h;
        this.adapter = adapter;
        this.dropout = dropout;
        this.watch = watch;
        Router.Routed routed = part.router().route(h, (l, x) -> product(l, x, Leaves.NONE));
        watch.ifPresent(w -> w.count(routed.logits(), part.router().chosen()));
        places = routed.rows();
        weights = routed.weights().to(h.dtype());
        try (var scope = TensorScope.open("experts")) {
            put = scope.keep(experts(scope));
        }
        Tensor y = byChoice(put).mul(weights.unsqueeze(2)).sum(1, false);
        if (part.shared().isEmpty()) {
            sharedOpened = null;
            sharedPut = null;
            out = y;
            return;
        }
        FeedForward.Dense shared = part.shared().get().expert();
        sharedOpened = opened(shared, h);
        sharedPut = put(shared, sharedOpened);
        Optional<FusedLinear> gate = part.shared().get().gate();
        out =
                y.addInPlace(
                        gate.map(g -> sharedPut.mul(product(g, h, Leaves.NONE).sigmoid()))
                                .orElse(sharedPut));
    }

    /// The forward pass.
    ///
    /// @param part experts whose router doesn't weigh their inputs
    /// @param h `(N, D)`, kept
    /// @param watch counts what the router chooses, if anything does
    public static ExpertsPass of(
            FeedForward part,
            Tensor h,
            Adapter adapter,
            Dropout dropout,
            Optional<RouterWatch> watch) {
        return new ExpertsPass((Experts) part, h, adapter, dropout, watch);
    }

    /// What the experts put out, `(N, D)`; the caller may change it.
    public Tensor out() {
        return out;
    }

    /// What [#backward] needs.
    public Stream<Tensor> kept() {
        return Stream.concat(Stream.of(h, weights, put, sharedOpened, sharedPut), opened.stream())
                .filter(Objects::nonNull);
    }

    /// Bytes that [#kept] has of a row, less `h`.
    ///
    /// @param number bytes of one in the compute dtype
    public static long keptBytes(FeedForward part, long number) {
        Experts experts = (Experts) part;
        FeedForward.Dense one = experts.experts().getFirst();
        long chosen = experts.router().chosen();
        long shared =
                experts.shared()
                        .map(s -> s.expert().up().out() + (long) s.expert().down().out())
                        .orElse(0L);
        return number * (chosen * (one.up().out() + one.down().out() + 1L) + shared);
    }

    private Tensor experts(TensorScope scope) {
        Tensor rows = h.indexSelect(0, places.tokens(h)); // (N k, D)
        List<Tensor> parts = new ArrayList<>();
        int from = 0;
        for (int e = 0; e < part.experts().size(); e++) {
            int count = places.counts()[e];
            if (count == 0) {
                opened.add(null);
                continue;
            }
            FeedForward.Dense expert = part.experts().get(e);
            Tensor y = scope.keep(opened(expert, rows.narrow(0, from, count)));
            opened.add(y);
            parts.add(put(expert, y));
            from += count;
        }
        return Tensor.cat(0, parts.toArray(Tensor[]::new));
    }

    /// What an expert's first projection puts out, `(n, U)`.
    private Tensor opened(FeedForward.Dense expert, Tensor rows) {
        return expert.up().forward(widened(expert.up(), rows), adapter, dropout);
    }

    /// What an expert puts out, `(n, D)`.
    private Tensor put(FeedForward.Dense expert, Tensor y) {
        return expert.down().forward(activated(expert, y, memory(expert, y)), adapter, dropout);
    }

    private static Tensor memory(FeedForward.Dense expert, Tensor y) {
        return Tensor.empty(y.device(), y.dtype(), y.size(0), expert.down().in());
    }

    private Tensor activated(FeedForward.Dense expert, Tensor y, Tensor memory) {
        Tensor a = wide(expert.down(), y);
        expert.activate(y, () -> memory, a);
        return a;
    }

    /// Rows with columns for the adapter's updates behind them.
    private Tensor widened(FusedLinear linear, Tensor rows) {
        Tensor wide = wide(linear, rows);
        wide.narrow(1, 0, linear.in()).copyInPlace(rows);
        return wide;
    }

    private Tensor wide(FusedLinear linear, Tensor like) {
        long columns = linear.in() + (long) linear.extra(adapter);
        return DeviceKernels.rows(like.device(), like.dtype(), like.size(0), columns);
    }

    /// Rows by expert, as `(N, k, D)` by token.
    private Tensor byChoice(Tensor rows) {
        return rows.indexSelect(0, places.places(h))
                .reshape(h.size(0), places.chosenEach(), h.size(1));
    }

    private Tensor product(FusedLinear linear, Tensor x, Leaves leaves) {
        return new PlainLinear(linear, 0, adapter, dropout, leaves).forward(x);
    }

    /// The gradient of `h`, `(N, D)`; gradients of parameters are added where they belong. At most
    /// once: it changes what was kept.
    ///
    /// @param dOut gradient of what [#out] was, `(N, D)`
    public Tensor backward(Tensor dOut) {
        try (var scope = TensorScope.open("experts")) {
            Tensor dh = byChoice(expertsBackward(dOut)).sum(1, false);
            Tensor dWeights = byChoice(put).mul(dOut.unsqueeze(1)).to(DType.FLOAT32).sum(2, false);
            Tensor dShared = null;
            List<Leaf> leaves = new ArrayList<>();
            Leaves learning = (parameter, learner) -> leaf(leaves, parameter, learner);
            Tensor input = h.detach().requireGradient(true);
            try (var _ = Autograd.enabled()) {
                Router.Routed routed =
                        part.router().route(input, (l, x) -> product(l, x, learning));
                if (watch.filter(RouterWatch::learns).isPresent()) {
                    Tensor term = watch.get().term(routed.logits());
                    routed.weights().mul(dWeights).sum().add(term).backward();
                } else {
                    routed.weights().backward(dWeights);
                }
                dShared = part.shared().map(s -> gate(s, input, dOut, learning)).orElse(null);
            }
            leaves.forEach(l -> l.learner().accept(l.parameter().gradient().to(DType.FLOAT32)));
            dh = dh.add(input.gradient());
            if (dShared != null) {
                FeedForward.Dense shared = part.shared().orElseThrow().expert();
                dh = dh.addInPlace(backward(shared, dShared, sharedOpened, h));
            }
            return scope.keep(dh);
        }
    }

    private static Tensor leaf(List<Leaf> leaves, Tensor parameter, Consumer<Tensor> learner) {
        if (learner == null) {
            return parameter;
        }
        Tensor leaf = parameter.detach().requireGradient(true);
        leaves.add(new Leaf(leaf, learner));
        return leaf;
    }

    /// Follows the gate back.
    ///
    /// @return gradient of what the shared expert put out, `(N, D)`
    private Tensor gate(Experts.Shared shared, Tensor input, Tensor dOut, Leaves learning) {
        if (shared.gate().isEmpty()) {
            return dOut;
        }
        Tensor y = sharedPut.detach().requireGradient(true);
        y.mul(product(shared.gate().get(), input, learning).sigmoid()).backward(dOut);
        return y.gradient();
    }

    /// Gradients of what the experts read, `(N k, D)`, by expert.
    private Tensor expertsBackward(Tensor dOut) {
        Tensor flat = weights.reshape(places.count(), 1).indexSelect(0, places.sources(h));
        Tensor tokens = places.tokens(h);
        Tensor dPut = dOut.indexSelect(0, tokens).mulInPlace(flat); // (N k, D)
        Tensor rows = h.indexSelect(0, tokens);
        List<Tensor> parts = new ArrayList<>();
        int from = 0;
        for (int e = 0; e < opened.size(); e++) {
            int count = places.counts()[e];
            if (count > 0) {
                parts.add(
                        backward(
                                part.experts().get(e),
                                dPut.narrow(0, from, count),
                                opened.get(e),
                                rows.narrow(0, from, count)));
            }
            from += count;
        }
        return Tensor.cat(0, parts.toArray(Tensor[]::new));
    }

    /// The gradient of what one expert reads, `(n, D)`.
    ///
    /// @param y what its first projection put out; changed
    private Tensor backward(FeedForward.Dense expert, Tensor d, Tensor y, Tensor rows) {
        Tensor memory = memory(expert, y);
        Tensor a = activated(expert, y, memory);
        expert.down().reduce(a, adapter, dropout);
        Tensor da = expert.down().backward(d, a, dropout); // (n, F)
        expert.activateBackward(da, y, () -> memory, a);
        Tensor hx = widened(expert.up(), rows);
        expert.up().reduce(hx, adapter, dropout);
        return expert.up().backward(y, hx, dropout);
    }
}
