package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraTarget;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// LoRA of an embedding, with trained lengths of columns where the target is decomposed:
/// ```
/// T = c ⊙ R,     R = E + s (B A)ᵀ,     c = m / ‖R‖
/// ```
/// `A` is `(r, V)` and `B` `(D, r)`; `m` and `c` have a number for each column. As in PEFT the norm
/// is a constant to gradients. A tied output layer reads the same table, so dropout, which PEFT has
/// there, is not applied.
final class LoraTable implements AdaptedTable {
    private final Tensor base; // E
    private final double scaling;
    private final FlatParameters flat;
    private final ParameterSpace.Parameter a;
    private final ParameterSpace.Parameter b;
    private final Optional<ParameterSpace.Parameter> m;
    private final Tensor inverse; // 1 / ‖R‖ when the table was written, (D)

    /// @param base `E`, in the compute dtype, `(V, D)`
    /// @param parameters as the target lists them
    LoraTable(
            LoraTarget target,
            Tensor base,
            List<ParameterSpace.Parameter> parameters,
            FlatParameters flat) {
        this.base = base;
        this.flat = flat;
        scaling = target.scaling();
        a = parameters.get(0);
        b = parameters.get(1);
        m = target.decomposed() ? Optional.of(parameters.get(2)) : Optional.empty();
        inverse = Tensor.zeros(base.device(), DType.FLOAT32, base.size(1));
    }

    /// PEFT begins with `A` zero and `B` normal.
    @Override
    public void initialise(LoraInitialisation initialisation, UniformRandomProvider random) {
        flat.write(b, LoraModule.normal(b.count(), 1, random));
        flat.write(
                a,
                initialisation == LoraInitialisation.RANDOM_BOTH
                        ? LoraModule.normal(a.count(), 1, random)
                        : new float[(int) a.count()]);
        try (var _ = TensorScope.open("norm")) {
            m.ifPresent(p -> flat.value(p).copyInPlace(norms(raw())));
        }
    }

    /// `R`, float32.
    private Tensor raw() {
        Tensor update = flat.value(a).t().mm(flat.value(b).t()).mulInPlace(scaling); // (V, D)
        return update.addInPlace(base.to(DType.FLOAT32));
    }

    private static Tensor norms(Tensor raw) {
        return raw.square().sum(0, false).sqrt(); // (D)
    }

    @Override
    public Tensor merged() {
        Tensor raw = raw();
        return m.map(p -> raw.mul(flat.value(p).div(norms(raw)))).orElse(raw);
    }

    @Override
    public void write(Tensor table) {
        try (var _ = TensorScope.open("table")) {
            Tensor raw = raw();
            m.ifPresent(
                    p -> {
                        Tensor norms = norms(raw);
                        inverse.fillInPlace(1).copyInPlace(inverse.div(norms));
                        raw.mulInPlace(flat.value(p).div(norms));
                    });
            table.copyInPlace(raw);
        }
    }

    @Override
    public boolean changesNothing() {
        if (AdaptedModule.isAll(0, flat.value(a)) || AdaptedModule.isAll(0, flat.value(b))) {
            return m.isEmpty() || Arrays.equals(merged().toFloats(), base.toFloats());
        }
        return false;
    }

    @Override
    public void learnRead(int[] ids, Tensor d, int stays) {
        try (var _ = TensorScope.open("table")) {
            Tensor index = Tensor.ofInts(d.device(), ids, ids.length); // (N)
            Tensor u = flat.value(a).t().indexSelect(0, index); // (N, r)
            Tensor d32 = d.to(DType.FLOAT32); // (N, D)
            Tensor rows = (m.isPresent() ? backToRows(index, u, d32) : d32).mul(scaling);
            flat.gradient(b).addInPlace(rows.t().mm(u));
            learnA(ids, rows.mm(flat.value(b)), stays);
        }
    }

    private Tensor backToRows(Tensor index, Tensor u, Tensor d) {
        Tensor raw = u.mm(flat.value(b).t()).mulInPlace(scaling); // (N, D)
        raw.addInPlace(base.indexSelect(0, index).to(DType.FLOAT32));
        return backToRaw(raw.mul(d).sum(0, false), d);
    }

    /// @param sums of `d ⊙ R` over rows, `(D)`
    /// @return gradient of `R`'s rows, or of what reads them
    private Tensor backToRaw(Tensor sums, Tensor d) {
        flat.gradient(m.orElseThrow()).addInPlace(sums.mul(inverse));
        return d.mul(flat.value(m.orElseThrow()).mul(inverse));
    }

    /// @param du `(N, r)`
    private void learnA(int[] ids, Tensor du, int stays) {
        int[] read = IntStream.range(0, ids.length).filter(n -> ids[n] != stays).toArray();
        if (read.length == 0) {
            return;
        }
        Tensor sums = Tensor.zeros(du.device(), DType.FLOAT32, base.size(0), du.size(1)); // (V, r)
        int[] at = Arrays.stream(read).map(n -> ids[n]).toArray();
        Tensor index = Tensor.ofInts(du.device(), at, at.length);
        Tensor rows = du.indexSelect(0, Tensor.ofInts(du.device(), read, read.length));
        sums.scatterAddInPlace(0, index.unsqueeze(1).expand(at.length, du.size(1)), rows);
        flat.gradient(a).addInPlace(sums.t());
    }

    @Override
    public void learnOutput(Tensor dz, Tensor h) {
        try (var _ = TensorScope.open("table")) {
            Tensor z = dz.to(DType.FLOAT32); // (M, V)
            Tensor h32 = h.to(DType.FLOAT32); // (M, D)
            Tensor u = z.mm(flat.value(a).t()); // (M, r)
            Tensor rows = (m.isPresent() ? backToHidden(z, u, h32) : h32).mul(scaling);
            flat.gradient(b).addInPlace(rows.t().mm(u));
            flat.gradient(a).addInPlace(rows.mm(flat.value(b)).t().mm(z));
        }
    }

    private Tensor backToHidden(Tensor z, Tensor u, Tensor h) {
        Tensor raw = u.mm(flat.value(b).t()).mulInPlace(scaling); // (M, D): z R
        raw.addInPlace(z.mm(base.to(DType.FLOAT32)));
        return backToRaw(raw.mul(h).sum(0, false), h);
    }
}
