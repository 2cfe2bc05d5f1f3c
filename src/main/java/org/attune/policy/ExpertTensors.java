package org.attune.policy;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraTarget;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.ModulePaths;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/// LoRA of all experts of a block in two tensors, as PEFT's files hold it, under the names that it
/// has expert by expert. `A` is `(E r, in)`, expert by expert. `B` is `(out, r E)`, with the
/// experts' columns side by side:
/// ```
/// Δ[e, o, i] = s Σ_k B[o, k E + e] A[e r + k, i]
/// ```
final class ExpertTensors {
    private final List<Stored> stored = new ArrayList<>();

    /// @param target of the first expert
    /// @param stem of the names in the file
    record Stored(ModulePaths.ExpertParameter parameter, LoraTarget target, String stem) {
        String nameOfA() {
            return stem + ".lora_A.weight";
        }

        String nameOfB() {
            return stem + ".lora_B.weight";
        }

        long[] shapeOfA() {
            return new long[] {(long) parameter.count() * target.rank(), parameter.in()};
        }

        long[] shapeOfB() {
            return new long[] {parameter.out(), (long) target.rank() * parameter.count()};
        }

        /// Row of the file's tensors; experts have all rows of the gate first.
        private long rowInFile(long row) {
            long half = parameter.out() / 2;
            return !parameter.interleaved() ? row : row < half ? 2 * row : 2 * (row - half) + 1;
        }

        /// Copies one expert's numbers out of the file's tensor, or into it.
        private void copy(
                Part part, MemorySegment whole, MemorySegment own, int bytes, boolean into) {
            long r = target.rank();
            long columns = part.isA() ? parameter.in() : r;
            long rows = part.isA() ? r : parameter.out();
            for (long row = 0; row < rows; row++) {
                for (long column = 0; column < columns; column++) {
                    long there =
                            part.isA()
                                    ? (part.expert() * r + row) * columns + column
                                    : (rowInFile(row) * r + column) * parameter.count()
                                            + part.expert();
                    long here = row * columns + column;
                    MemorySegment.copy(
                            into ? own : whole,
                            (into ? here : there) * bytes,
                            into ? whole : own,
                            (into ? there : here) * bytes,
                            bytes);
                }
            }
        }
    }

    /// One expert's matrix.
    private record Part(Stored of, int expert, boolean isA) {
        String nameInFile() {
            return isA ? of.nameOfA() : of.nameOfB();
        }

        long[] shape() {
            int r = of.target().rank();
            return isA ? new long[] {r, of.parameter().in()} : new long[] {of.parameter().out(), r};
        }
    }

    /// @param config of which [AdapterFit] knows that it fits the model
    ExpertTensors(DecoderConfig model, AdapterConfig config) {
        List<Stored> all = new ArrayList<>();
        for (ModulePaths.ExpertParameter p : ModulePaths.ExpertParameter.of(model)) {
            if (p.kind() != ModulePaths.ExpertParameter.Kind.ROUTER) {
                config.matchParameter(p.name(), p.path(0))
                        .ifPresent(t -> all.add(new Stored(p, (LoraTarget) t, "")));
            }
        }
        for (Stored s : all) {
            // PEFT wraps a module once for each of its parameters, the first one innermost.
            boolean inner =
                    s.parameter().kind() == ModulePaths.ExpertParameter.Kind.UP
                            && all.stream()
                                    .anyMatch(
                                            o ->
                                                    !o.equals(s)
                                                            && o.parameter()
                                                                    .module()
                                                                    .equals(
                                                                            s.parameter()
                                                                                    .module()));
            stored.add(
                    new Stored(
                            s.parameter(),
                            s.target(),
                            AdapterTarget.PREFIX
                                    + s.parameter().module()
                                    + (inner ? ".base_layer" : "")));
        }
    }

    List<Stored> stored() {
        return stored;
    }

    /// Parts by the names of single experts.
    private Map<String, Part> parts() {
        Map<String, Part> parts = new LinkedHashMap<>();
        for (Stored s : stored) {
            for (int e = 0; e < s.parameter().count(); e++) {
                String path = AdapterTarget.PREFIX + s.parameter().path(e);
                parts.put(path + ".lora_A.weight", new Part(s, e, true));
                parts.put(path + ".lora_B.weight", new Part(s, e, false));
            }
        }
        return parts;
    }

    /// The file with a tensor for each expert's matrix.
    ///
    /// @param file whose tensors have the shapes of [#stored]; borrowed
    TensorFile split(TensorFile file) {
        return stored.isEmpty() ? file : new Split(file, parts());
    }

    private static final class Split implements TensorFile {
        private final TensorFile file;
        private final Map<String, Part> parts;
        private final Map<String, Entry> entries;

        Split(TensorFile file, Map<String, Part> parts) {
            this.file = file;
            this.parts = parts;
            entries = new LinkedHashMap<>(file.entries());
            parts.forEach(
                    (name, part) -> {
                        Entry whole = file.entries().get(part.nameInFile());
                        if (whole != null) {
                            entries.remove(whole.name());
                            entries.put(name, new Entry(name, whole.dtype(), part.shape()));
                        }
                    });
        }

        @Override
        public Map<String, Entry> entries() {
            return entries;
        }

        @Override
        public MemorySegment read(String name, Arena arena) {
            Part part = parts.get(name);
            if (part == null) {
                return file.read(name, arena);
            }
            Entry entry = entries.get(name);
            MemorySegment own = arena.allocate(entry.bytes(), Long.BYTES);
            MemorySegment whole = file.read(part.nameInFile(), arena);
            part.of().copy(part, whole, own, entry.dtype().bytes(), false);
            return own;
        }

        @Override
        public void close() {
            file.close();
        }
    }

    /// Tensors as PEFT's files hold them.
    ///
    /// @param tensors with one for each expert's matrix
    List<Source> join(List<Source> tensors) {
        Map<String, Part> parts = parts();
        List<Source> joined = new ArrayList<>();
        Map<String, Map<Source, BiConsumer<MemorySegment, MemorySegment>>> byName = new HashMap<>();
        for (Source tensor : tensors) {
            Part part = parts.get(tensor.name());
            if (part == null) {
                joined.add(tensor);
            } else {
                int bytes = tensor.dtype().bytes();
                byName.computeIfAbsent(part.nameInFile(), _ -> new LinkedHashMap<>())
                        .put(tensor, (whole, own) -> part.of().copy(part, whole, own, bytes, true));
            }
        }
        for (Stored s : stored) {
            joined.add(Source.joined(s.nameOfA(), s.shapeOfA(), byName.get(s.nameOfA())));
            joined.add(Source.joined(s.nameOfB(), s.shapeOfB(), byName.get(s.nameOfB())));
        }
        return joined;
    }

    /// Layers whose weights are an expert's part of an adapted parameter.
    static Map<FusedLinear, LoraTarget> layers(Decoder decoder, AdapterConfig config) {
        Map<FusedLinear, LoraTarget> targets = new LinkedHashMap<>();
        if (config.parameters().isEmpty()) {
            return targets;
        }
        for (ModulePaths.ExpertParameter p : ModulePaths.ExpertParameter.of(decoder.config())) {
            List<FusedLinear> layers = p.layers(decoder);
            for (int e = 0; e < layers.size(); e++) {
                FusedLinear layer = layers.get(e);
                config.matchParameter(p.name(), p.path(e))
                        .ifPresent(t -> targets.put(layer, (LoraTarget) t));
            }
        }
        return targets;
    }
}
