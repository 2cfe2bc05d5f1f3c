package org.attune.trainers.loop;

import org.attune.checkpoint.ModelWriter;
import org.attune.error.CheckpointException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.policy.ParameterSpace;
import org.attune.policy.StateTensors;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.trainers.config.BemaConfig;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A bias-corrected exponential moving average of the trained weights
/// ([Block and Zhang 2025](https://arxiv.org/abs/2508.00180), Alg. 1), as TRL's `BEMACallback`:
/// ```
/// e ← (1 - βₜ) e + βₜ θₜ       βₜ = max((ρ + γ t)^(-κ), least)
/// result = e + αₜ (θₜ - θ₀)    αₜ = (ρ + γ t)^(-η)
/// ```
/// every φ steps after step τ, at which `θ₀` and `e` are taken anew. The result stands in `bema` in
/// the run's folder, in the form of the run's result.
final class Bema implements AutoCloseable {
    private static final String FILE = "bema.safetensors";
    private static final String FOLDER = "bema";
    private static final List<String> NAMES = List.of("initial", "average", "result");
    private static final long PIECE = 1 << 18;

    private final BemaConfig config;
    private final ParameterSpace space;
    private final TensorScope scope = TensorScope.detached("bema");
    private final Tensor initial;
    private final Tensor average;
    private final Tensor result;

    /// Begins with the weights as they are.
    ///
    /// @param space borrowed
    Bema(BemaConfig config, ParameterSpace space) {
        this.config = config;
        this.space = space;
        try (var _ = scope.enter()) {
            initial = space.values().copy();
            average = space.values().copy();
            result = space.values().copy();
        }
        scope.seal();
    }

    /// Hears that a step was made.
    ///
    /// @param step steps done, from 1
    void made(int step) {
        int since = step - config.bemaUpdateAfter();
        if (since == 0) {
            initial.copyInPlace(space.values());
            average.copyInPlace(space.values());
        } else if (since > 0 && since % config.bemaUpdateFreq() == 0) {
            update(step);
        }
    }

    private void update(int step) {
        double age = config.bemaLag() + config.bemaMultiplier() * step;
        double share =
                Math.max(Math.pow(age, -config.bemaEmaPower()), config.bemaMinEmaMultiplier());
        double correction = Math.pow(age, -config.bemaBiasPower());
        long size = space.values().size();
        for (long start = 0; start < size; start += PIECE) {
            try (var _ = TensorScope.open("bema")) {
                long length = Math.min(PIECE, size - start);
                Tensor now = space.values().narrow(0, start, length);
                Tensor mean = average.narrow(0, start, length);
                mean.mulInPlace(1 - share).addInPlace(now.mul(share));
                Tensor moved = now.sub(initial.narrow(0, start, length)).mul(correction);
                result.narrow(0, start, length).copyInPlace(mean.add(moved));
            }
        }
    }

    /// Writes the averaged model into a run's folder.
    ///
    /// @param model writes the policy as it is
    void write(Path outputDir, ModelWriter model) throws IOException {
        Path folder = Files.createDirectories(outputDir.resolve(FOLDER));
        try (var _ = TensorScope.open("bema.write")) {
            Tensor now = space.values().copy();
            space.values().copyInPlace(result);
            space.valuesChanged();
            try {
                model.write(folder);
            } finally {
                space.values().copyInPlace(now);
                space.valuesChanged();
            }
        }
    }

    private List<Tensor> tensors() {
        return List.of(initial, average, result);
    }

    void save(Path folder) throws IOException {
        List<Source> sources = new ArrayList<>();
        for (int i = 0; i < NAMES.size(); i++) {
            sources.add(StateTensors.source(NAMES.get(i), tensors().get(i)));
        }
        SafeTensorsWriter.write(folder.resolve(FILE), sources);
    }

    void restore(Path folder) {
        Path path = folder.resolve(FILE);
        if (!Files.exists(path)) {
            throw new CheckpointException(path + " is missing; the checkpoint is of a run without");
        }
        var state = new StateTensors("the average of weights", "model or adapter");
        try (TensorFile file = SafeTensorsFile.open(path)) {
            for (int i = 0; i < NAMES.size(); i++) {
                state.load(file, NAMES.get(i), tensors().get(i));
            }
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
