package org.attune.model.source;

import org.attune.error.ModelException;
import org.attune.files.TensorRows;
import org.attune.files.gguf.GgufFile;
import org.attune.files.gguf.GgufNames;
import org.attune.files.gguf.GgufType;
import org.attune.files.gguf.GgufWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.Activation;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.GgufKeys;
import org.attune.model.config.WeightFactors;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes models as GGUF files, which llama.cpp and programs that are made of it load. A file is
/// written whole or not at all, and only if reading its metadata again gives the model's
/// configuration.
public final class GgufExport {
    private static final long QUANTISATION = 2; // version of ggml's blocks

    private final DecoderConfig config;
    private final Map<String, Object> text;
    private final GgufFileType type;
    private final Map<String, float[]> importance;

    /// @param config of the model
    /// @param text   metadata of its tokenizer
    /// @param importance how much errors in each column of a weight count, by module; empty: alike
    public GgufExport(
            DecoderConfig config,
            Map<String, Object> text,
            GgufFileType type,
            Map<String, float[]> importance) {
        this.config = config;
        this.text = text;
        this.type = type;
        this.importance = importance;
    }

    /// `general.architecture` of a model's files.
    ///
    /// @param name of the model, for messages
    /// @throws ModelException if there is none
    public static String architecture(DecoderConfig config, String name) {
        return new GgufKeys(config, name).architecture();
    }

    /// Writes the file.
    ///
    /// @param name    of the model, `general.name`
    /// @param weights of the model by module, float32, experts one by one
    /// @return longest text for which the file computes what the model does
    /// @throws ModelException naming what a file can't say
    public int write(Path file, String name, List<Source> weights) {
        Optional<WeightFactors> factors = WeightFactors.of(config);
        DecoderConfig filed = factors.map(WeightFactors::folded).orElse(GgufKeys.filed(config));
        boolean twice = config.tieWordEmbeddings() && !filed.tieWordEmbeddings();
        List<Source> all = twice ? withOutputLayer(weights) : weights;
        return new GgufExport(filed, text, type, importance)
                .writePlain(file, name, factors.map(f -> folded(all, f)).orElse(all));
    }

    /// Weights with the embedding a second time where it is the output layer.
    private List<Source> withOutputLayer(List<Source> weights) {
        List<Source> all = new ArrayList<>(weights);
        String embedding = config.names().embeddingPath() + ".weight";
        String head = config.names().head() + ".weight";
        for (Source w : weights) {
            if (w.name().equals(embedding)) {
                all.add(new Source(head, w.dtype(), w.shape(), w.data()));
            }
        }
        return all;
    }

    /// Weights with the model's factors in them.
    private static List<Source> folded(List<Source> weights, WeightFactors factors) {
        return weights.stream().map(w -> folded(w, factors)).toList();
    }

    private static Source folded(Source weight, WeightFactors factors) {
        float[] rows = factors.ofRows(weight.name());
        if (rows.length == 0) {
            return weight;
        }
        long columns = weight.shape().length < 2 ? 1 : weight.shape()[1];
        return new Source(
                weight.name(),
                weight.dtype(),
                weight.shape(),
                arena -> {
                    float[] values = weight.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT);
                    for (int i = 0; i < values.length; i++) {
                        values[i] *= rows.length == 1 ? rows[0] : rows[(int) (i / columns)];
                    }
                    return MemorySegment.ofArray(values);
                });
    }

    private int writePlain(Path file, String name, List<Source> weights) {
        GgufKeys keys = new GgufKeys(config, name);
        Map<String, List<Float>> lists = lists(weights);
        GgufPlan plan = new GgufPlan(name, config, weights, keys.tensors(), lists);
        var metadata = new LinkedHashMap<String, Object>();
        metadata.put("general.architecture", keys.architecture());
        metadata.put("general.type", "model");
        metadata.put("general.name", name);
        metadata.put("general.file_type", type.number());
        metadata.put("general.quantization_version", QUANTISATION);
        metadata.putAll(keys.pairs());
        metadata.putAll(lists);
        metadata.putAll(text);
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        keys.vectors().forEach((vector, values) -> tensors.add(vector(vector, values)));
        plan.tensors().forEach((tensor, shape) -> tensors.add(tensor(plan, keys, tensor, shape)));
        GgufWriter.write(
                file,
                metadata,
                tensors,
                written -> {
                    try (GgufFile read = GgufFile.open(written)) {
                        keys.requireSaid(read);
                    }
                });
        return keys.context();
    }

    private static GgufWriter.Tensor vector(String name, double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return new GgufWriter.Tensor(
                name,
                GgufType.F32,
                new long[] {floats.length},
                new float[0],
                to -> to.put(0, MemorySegment.ofArray(floats)));
    }

    private GgufWriter.Tensor tensor(GgufPlan plan, GgufKeys keys, String name, long[] shape) {
        boolean experts = config.block().feedForward().experts().isPresent();
        GgufType own = type.of(name, shape, config.layers(), config.tieWordEmbeddings(), experts);
        boolean query = GgufNames.isQuery(name);
        int heads = query ? config.heads() : config.kvHeads();
        TensorRows order =
                GgufNames.turns(keys.architecture(), name)
                        ? new TensorRows((int) (shape[0] / heads))
                        : TensorRows.IDENTITY;
        boolean known =
                plan.isWhole(name, config.names().transposed())
                        && importance.containsKey(plan.module(name));
        float[] weights = known ? importance.get(plan.module(name)) : new float[0];
        return new GgufWriter.Tensor(
                name, own, shape, weights, rows -> plan.give(name, order, rows));
    }

    /// Numbers of activations that learn, of which metadata have one for each layer.
    private Map<String, List<Float>> lists(List<Source> weights) {
        var lists = new LinkedHashMap<String, List<Float>>();
        if (config.activation() != Activation.XIELU) {
            return lists;
        }
        var byName = new HashMap<String, Source>();
        weights.forEach(w -> byName.put(w.name(), w));
        for (String part : List.of("alpha_p", "alpha_n", "beta", "eps")) {
            var all = new ArrayList<Float>();
            for (int layer = 0; layer < config.layers(); layer++) {
                String path = config.names().block(layer) + config.names().activation() + ".";
                Source weight = byName.get(path + part);
                if (weight == null) {
                    throw new ModelException("the model has no weight " + path + part);
                }
                try (Arena arena = Arena.ofConfined()) {
                    float[] values = weight.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT);
                    all.add(values[0]);
                }
            }
            lists.put("xielu." + part, List.copyOf(all));
        }
        return lists;
    }
}
