package org.attune.model.source;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraTarget;
import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.TensorRows;
import org.attune.files.gguf.GgufNames;
import org.attune.files.gguf.GgufType;
import org.attune.files.gguf.GgufWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.GgufKeys;
import org.attune.model.config.WeightFactors;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// Writes LoRA adapters as GGUF files, which llama.cpp applies to the model's file: `.lora_a` and
/// `.lora_b` for each of its tensors that the adapter changes.
public final class GgufAdapter {
    private final DecoderConfig config;
    private final GgufFileType type;

    /// @param config of the base
    /// @param type   of the matrices: one without blocks
    public GgufAdapter(DecoderConfig config, GgufFileType type) {
        this.config = config;
        this.type = type;
    }

    /// Writes the file.
    ///
    /// @param name    of the adapter, `general.name`
    /// @param weights of the base by module; only their names and shapes are used
    /// @throws ModelException naming a part of the adapter that such files can't say
    public void write(Path file, String name, List<Source> weights, AdapterFolder adapter) {
        if (WeightFactors.of(config).isPresent()) {
            throw new ModelException(
                    "%s: files of %s models have factors in their weights, with which an adapter alone doesn't go; merge it: attune export without --adapter-only"
                            .formatted(name, config.modelType()));
        }
        GgufKeys keys = new GgufKeys(config, name);
        GgufPlan plan = new GgufPlan(name, config, weights, keys.tensors(), Map.of());
        Map<String, LoraTarget> targets = targets(adapter);
        double alpha = targets.values().iterator().next().alpha();
        var metadata = new LinkedHashMap<String, Object>();
        metadata.put("general.architecture", keys.architecture());
        metadata.put("general.type", "adapter");
        metadata.put("general.name", name);
        metadata.put("general.file_type", type.number());
        metadata.put("adapter.type", "lora");
        metadata.put("adapter.lora.alpha", (float) alpha);
        List<GgufWriter.Tensor> tensors = new ArrayList<>();
        for (String tensor : plan.tensors().keySet()) {
            LoraTarget target = targets.remove(plan.module(tensor));
            if (target != null) {
                boolean turns = GgufNames.turns(keys.architecture(), tensor);
                int heads = GgufNames.isQuery(tensor) ? config.heads() : config.kvHeads();
                long rows = plan.tensors().get(tensor)[0];
                TensorRows order =
                        turns ? new TensorRows((int) (rows / heads)) : TensorRows.IDENTITY;
                if (!plan.isWhole(tensor, config.names().transposed())) {
                    throw refused(target, "a module whose weight the file holds otherwise");
                }
                tensors.add(
                        matrix(
                                tensor + ".lora_a",
                                floats(adapter, target.nameOfA()),
                                1,
                                TensorRows.IDENTITY,
                                target.rank(),
                                true));
                float factor = (float) (target.scaling() * target.rank() / alpha);
                tensors.add(
                        matrix(
                                tensor + ".lora_b",
                                floats(adapter, target.nameOfB()),
                                factor,
                                order,
                                target.rank(),
                                false));
            }
        }
        if (!targets.isEmpty()) {
            throw refused(
                    targets.values().iterator().next(),
                    "a module whose weight the file holds together with others");
        }
        GgufWriter.write(file, metadata, tensors, _ -> {});
    }

    private Map<String, LoraTarget> targets(AdapterFolder adapter) {
        if (!adapter.config().replication().isEmpty()) {
            throw new ModelException(
                    "%s: the adapter has layer_replication %s, which GGUF files of adapters can't say; merge it: attune export without --adapter-only"
                            .formatted(adapter.path(), adapter.config().replication()));
        }
        if (!adapter.savedTensors().isEmpty()) {
            throw new ModelException(
                    "%s: the adapter trains %s whole, which GGUF files of adapters can't say; merge it: attune export without --adapter-only"
                            .formatted(adapter.path(), adapter.savedTensors().keySet()));
        }
        var targets = new LinkedHashMap<String, LoraTarget>();
        for (AdapterTarget target : adapter.targets()) {
            if (!(target instanceof LoraTarget lora)) {
                throw new ModelException(
                        "%s: the adapter is %s; GGUF files of adapters are LoRA. Merge it: attune export without --adapter-only"
                                .formatted(adapter.path(), adapter.config().described()));
            }
            if (lora.decomposed() || lora.form() != LoraTarget.Form.LINEAR) {
                throw refused(
                        lora,
                        lora.decomposed()
                                ? "DoRA"
                                : "an update of an embedding or an expert, or one with a bias");
            }
            targets.put(lora.path(), lora);
        }
        if (targets.isEmpty()) {
            throw new ModelException(
                    "%s: the adapter is %s and changes no linear module, so there is nothing to write"
                            .formatted(adapter.path(), adapter.config().described()));
        }
        var others = new TreeSet<>(adapter.tensors().entries().keySet());
        targets.values().forEach(t -> others.removeAll(List.of(t.nameOfA(), t.nameOfB())));
        if (!others.isEmpty()) {
            throw new ModelException(
                    "%s: the adapter holds \"%s\" beside A and B of linear modules, which GGUF files of adapters can't say; merge it: attune export without --adapter-only"
                            .formatted(adapter.path(), others.first()));
        }
        return targets;
    }

    private static ModelException refused(LoraTarget target, String what) {
        return new ModelException(
                "%s is %s, which GGUF files of adapters can't say; merge it: attune export without --adapter-only"
                        .formatted(target.path(), what));
    }

    /// @param flat whether the rank counts rows instead of columns
    private GgufWriter.Tensor matrix(
            String name, float[] values, float factor, TensorRows order, int rank, boolean flat) {
        int other = values.length / rank;
        long[] shape = flat ? new long[] {rank, other} : new long[] {other, rank};
        for (int i = 0; i < values.length && factor != 1; i++) {
            values[i] *= factor;
        }
        GgufType own = type.of("blk.0.lora.weight", shape, 1, false, false);
        return new GgufWriter.Tensor(
                name,
                own,
                shape,
                new float[0],
                to -> to.put(0, GgufPlan.ordered(MemorySegment.ofArray(values), shape[1], order)));
    }

    private static float[] floats(AdapterFolder adapter, String name) {
        TensorFile.Entry entry = adapter.tensors().entries().get(name);
        if (entry == null) {
            throw new ModelException(adapter.path() + " holds no tensor \"" + name + "\"");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = adapter.tensors().read(name, arena);
            return StoredFloats.of(all, entry.dtype());
        }
    }
}
