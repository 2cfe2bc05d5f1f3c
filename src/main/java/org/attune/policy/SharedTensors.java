package org.attune.policy;

import org.attune.adapter.AdapterTarget;
import org.attune.adapter.FormulaTarget;
import org.attune.adapter.formula.WeightFormula;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Frozen tensors that all modules of an adapter read, as large as the largest module needs.
final class SharedTensors {
    private final List<WeightFormula.Part> tensors;
    private final boolean saved;
    private final List<Tensor> values = new ArrayList<>(); // float32

    /// Makes the values of a fresh adapter, in the current scope.
    ///
    /// @param shapes of the weights of modules that have an adapter, `(out, in)`
    SharedTensors(Device device, Map<AdapterTarget, long[]> shapes) {
        tensors = of(shapes);
        saved = saved(shapes.keySet());
        for (WeightFormula.Part part : tensors) {
            // the formula has the seed
            values.add(Tensor.of(device, part.start().values(part.shape(), null), part.shape()));
        }
    }

    /// What an adapter on modules of these shapes shares.
    private static List<WeightFormula.Part> of(Map<AdapterTarget, long[]> shapes) {
        long out = shapes.values().stream().mapToLong(s -> s[0]).max().orElse(0);
        long in = shapes.values().stream().mapToLong(s -> s[1]).max().orElse(0);
        return formula(shapes.keySet()).map(f -> f.shared(out, in)).orElse(List.of());
    }

    private static boolean saved(Set<AdapterTarget> targets) {
        return formula(targets).map(WeightFormula::savesShared).orElse(false);
    }

    /// An adapter has one kind of formula.
    private static Optional<WeightFormula> formula(Set<AdapterTarget> targets) {
        return targets.stream()
                .filter(FormulaTarget.class::isInstance)
                .map(t -> ((FormulaTarget) t).formula())
                .findFirst();
    }

    /// The tensors that the file of an adapter on modules of these shapes must hold.
    static List<AdapterTarget.NamedShape> needed(Map<AdapterTarget, long[]> shapes) {
        return saved(shapes.keySet())
                ? of(shapes).stream()
                        .map(p -> new AdapterTarget.NamedShape(p.suffix(), p.shape()))
                        .toList()
                : List.of();
    }

    /// The values, in the order of the formula's list.
    List<Tensor> values() {
        return values;
    }

    /// Takes the values that an adapter's file holds.
    void read(TensorFile file) {
        for (int i = 0; saved && i < values.size(); i++) {
            String name = tensors.get(i).suffix();
            try (var _ = TensorScope.open("shared");
                    Arena arena = Arena.ofConfined()) {
                TensorFile.Entry entry = file.entries().get(name);
                Tensor read =
                        Tensor.ofMemory(
                                Device.cpu(), entry.dtype(), file.read(name, arena), entry.shape());
                values.get(i).copyInPlace(read);
            }
        }
    }

    /// Takes the values of another adapter on the same modules.
    void copy(SharedTensors other) {
        for (int i = 0; i < values.size(); i++) {
            values.get(i).copyInPlace(other.values.get(i));
        }
    }

    /// The tensors that an adapter's file holds.
    List<SafeTensorsWriter.Source> sources() {
        List<SafeTensorsWriter.Source> sources = new ArrayList<>();
        for (int i = 0; saved && i < values.size(); i++) {
            Tensor value = values.get(i);
            sources.add(
                    TensorBytes.source(
                            tensors.get(i).suffix(), DType.FLOAT32, value.shape(), () -> value));
        }
        return sources;
    }
}
