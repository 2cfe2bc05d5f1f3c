package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraInitialisation;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// A table of which the rows of some tokens are trained, `K` of them; the others are the base
/// model's.
final class RowsTable implements AdaptedTable {
    private final AdapterTarget.TokenRows rows;
    private final Tensor base;
    private final ParameterSpace.Parameter parameter; // (K, D)
    private final FlatParameters flat;
    private final Map<Integer, Integer> places = new HashMap<>(); // token → row of the parameter

    /// @param base the model's table in the compute dtype, `(V, D)`
    RowsTable(
            AdapterTarget.TokenRows rows,
            Tensor base,
            ParameterSpace.Parameter parameter,
            FlatParameters flat) {
        this.rows = rows;
        this.base = base;
        this.parameter = parameter;
        this.flat = flat;
        for (int token : rows.tokens()) {
            places.put(token, places.size());
        }
    }

    @Override
    public void initialise(LoraInitialisation initialisation, UniformRandomProvider random) {
        if (rows.startsAtBase()) {
            try (var _ = TensorScope.open("rows")) {
                flat.value(parameter).copyInPlace(base.indexSelect(0, tokens()));
            }
        } else {
            flat.write(parameter, LoraModule.normal(parameter.count(), 1, random));
        }
    }

    private Tensor tokens() {
        return index(rows.tokens().stream().mapToInt(t -> t).toArray());
    }

    private Tensor index(int[] numbers) {
        return Tensor.ofInts(base.device(), numbers, numbers.length);
    }

    @Override
    public Tensor merged() {
        Tensor table = base.to(DType.FLOAT32).copy();
        write(table);
        return table;
    }

    @Override
    public void write(Tensor table) {
        try (var _ = TensorScope.open("rows")) {
            Tensor values = flat.value(parameter);
            List<Integer> tokens = rows.tokens();
            for (int k = 0; k < tokens.size(); k++) {
                table.narrow(0, tokens.get(k), 1).copyInPlace(values.narrow(0, k, 1));
            }
        }
    }

    @Override
    public boolean changesNothing() {
        float[] own = base.indexSelect(0, tokens()).to(DType.FLOAT32).toFloats();
        return Arrays.equals(own, flat.value(parameter).toFloats());
    }

    @Override
    public void learnRead(int[] ids, Tensor d, int stays) {
        int[] read =
                IntStream.range(0, ids.length)
                        .filter(n -> ids[n] != stays && places.containsKey(ids[n]))
                        .toArray();
        if (read.length == 0) {
            return;
        }
        try (var _ = TensorScope.open("rows")) {
            int[] at = Arrays.stream(read).map(n -> places.get(ids[n])).toArray();
            Tensor into = index(at).unsqueeze(1).expand(at.length, d.size(1));
            Tensor learnt = d.indexSelect(0, index(read)).to(DType.FLOAT32);
            flat.gradient(parameter).scatterAddInPlace(0, into, learnt);
        }
    }

    @Override
    public void learnOutput(Tensor dz, Tensor h) {
        try (var _ = TensorScope.open("rows")) {
            Tensor own = dz.indexSelect(1, tokens()).to(DType.FLOAT32); // (M, K)
            flat.gradient(parameter).addInPlace(own.t().mm(h.to(DType.FLOAT32)));
        }
    }
}
