package org.attune.model.layer;

import org.attune.tensor.Tensor;
import org.attune.tensor.TokenPass;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Feed-forward parts of which a router chooses some for each token, [Shazeer et al. 2017, Eq. 1–5
/// without noise](https://arxiv.org/abs/1701.06538):
/// ```
/// y = Σ_e w_e E_e(x),     w by the router's kind
/// ```
/// Rows are grouped by expert, so that an expert's product is one product. `N` rows, `k` experts of
/// each.
///
/// @param router chooses them
/// @param experts `E` of them
/// @param shared what every token takes too
record Experts(Router router, List<? extends FeedForward.Dense> experts, Optional<Shared> shared)
        implements FeedForward {
    /// An expert of all tokens, `σ(g x) E(x)`.
    ///
    /// @param gate `g`, `(1, D)`; empty: tokens take all of it
    public record Shared(FeedForward.Dense expert, Optional<FusedLinear> gate) {}

    @Override
    public Tensor apply(Tensor x, Expression products) {
        Router.Routed routed = router.route(x, products);
        products.routed(routed.logits(), router.chosen());
        return apply(x, routed, products);
    }

    /// @param routed which rows go where
    Tensor apply(Tensor x, Router.Routed routed, Expression products) {
        ExpertRows places = routed.rows();
        int[] tokens = places.tokens();
        Tensor rows = x.indexSelect(0, places.tokens(x)); // (N k, D), by expert
        Tensor weights = routed.weights().to(x.dtype()); // (N, k)
        if (router.config().scalesInput()) {
            Tensor flat = weights.reshape(places.count(), 1);
            rows = rows.mul(flat.indexSelect(0, places.sources(x)));
        }
        List<Tensor> parts = new ArrayList<>();
        int from = 0;
        for (int e = 0; e < experts.size(); e++) {
            int count = places.counts()[e];
            if (count > 0) {
                Expression own = products.some(Arrays.copyOfRange(tokens, from, from + count));
                parts.add(experts.get(e).apply(rows.narrow(0, from, count), own));
            }
            from += count;
        }
        Tensor put =
                Tensor.cat(0, parts.toArray(Tensor[]::new))
                        .indexSelect(0, places.places(x))
                        .reshape(x.size(0), places.chosenEach(), x.size(1)); // (N, k, D)
        Tensor weighed = router.config().scalesInput() ? put : put.mul(weights.unsqueeze(2));
        Tensor y = weighed.sum(1, false);
        return shared.map(s -> y.add(sharedPart(s, x, products))).orElse(y);
    }

    private static Tensor sharedPart(Shared s, Tensor x, Expression products) {
        Tensor y = s.expert().apply(x, products);
        return s.gate().map(gate -> y.mul(products.of(gate, x).sigmoid())).orElse(y);
    }

    @Override
    public long expressionBytes(long number) {
        long width = router.projection().in();
        long one = experts.getFirst().expressionBytes(number) + 4 * number * width;
        long all = shared.map(s -> s.expert().expressionBytes(number)).orElse(0L);
        return router.chosen() * one
                + all
                + (4 * Float.BYTES + number) * router.projection().out()
                + number * width;
    }

    @Override
    public List<FusedLinear> linears() {
        List<FusedLinear> all = new ArrayList<>(List.of(router.projection()));
        experts.forEach(e -> all.addAll(e.linears()));
        shared.ifPresent(
                s -> {
                    all.addAll(s.expert().linears());
                    s.gate().ifPresent(all::add);
                });
        return all;
    }

    @Override
    public List<FusedLinear> few() {
        List<FusedLinear> all = new ArrayList<>(List.of(router.projection()));
        shared.flatMap(Shared::gate).ifPresent(all::add);
        return all;
    }

    @Override
    public Optional<TokenPass.Part> tokenKernel(AdapterRows rows) {
        List<TokenPass.Gated> parts = new ArrayList<>();
        for (FeedForward.Dense part : parts()) {
            if (!(part instanceof FeedForward.Gated gated)) {
                return Optional.empty();
            }
            gated.gatedKernel(rows).ifPresent(parts::add);
        }
        List<TokenPass.Linear> few = new ArrayList<>();
        for (FusedLinear linear : few()) {
            linear.decodingCopy()
                    .of(rows)
                    .filter(TokenPass.Linear::fitsFewRows)
                    .ifPresent(few::add);
        }
        if (parts.size() < parts().size() || few.size() < few().size()) {
            return Optional.empty();
        }
        return Optional.of(
                new TokenPass.Experts(
                        few.getFirst(),
                        router.choice(),
                        router.chosen(),
                        parts,
                        few.size() > 1 ? few.getLast() : null));
    }

    private List<FeedForward.Dense> parts() {
        List<FeedForward.Dense> all = new ArrayList<>(experts);
        shared.ifPresent(s -> all.add(s.expert()));
        return all;
    }

    @Override
    public List<Weight> others() {
        return router.factors().map(Router.Factors::weights).orElse(List.of());
    }

    @Override
    public List<Weight> buffers() {
        return router.correction().stream().toList();
    }
}
