package org.attune.trainers.service;

import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.error.CheckpointException;
import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ModulePaths;
import org.attune.trainers.service.AdapterTraining.Lora;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// The adapter that is trained, on a model's modules, and how checkpoints describe it.
///
/// @param lora what was asked for
/// @param config PEFT's configuration of it
record TrainedLora(Lora lora, LoraConfig config) {
    private static final String FILE = "training.json";
    private static final double ALPHA = 32;
    private static final Pattern FEED_FORWARD =
            Pattern.compile(
                    ".*\\.(mlp|feed_forward|ffn|ff|fc[12]|dense_h_to_4h|dense_4h_to_h|block_sparse_moe)(\\..*)?");

    /// @throws ConfigException if a value is outside its range, or the model has no such modules
    TrainedLora(Lora lora, Decoder decoder) {
        this(lora, config(lora, decoder));
    }

    private static LoraConfig config(Lora lora, Decoder decoder) {
        ModulePaths paths = ModulePaths.of(decoder.config());
        var usual = new ModuleSelection.AllLinear();
        List<String> names = new ArrayList<>();
        for (String path : paths.linears().keySet()) {
            boolean asked =
                    FEED_FORWARD.matcher(path).matches() ? lora.feedForward() : lora.attention();
            if (usual.contains(path) && asked) {
                names.add(path);
            }
        }
        if (lora.output()) {
            names.add(paths.output());
        }
        if (names.isEmpty()) {
            throw new ConfigException(
                    "no module would be trained; ask for attention, feed-forward parts or the"
                            + " output layer");
        }
        return LoraConfig.of(lora.rank(), ALPHA, 0, new ModuleSelection.Names(names));
    }

    /// Writes the description of a checkpoint; the last thing in its folder.
    void write(Path folder, Map<String, Object> about) throws IOException {
        Map<String, Object> values = new LinkedHashMap<>(about);
        values.put("rank", (long) lora.rank());
        values.put("seed", lora.seed());
        values.put("train_attn", lora.attention());
        values.put("train_mlp", lora.feedForward());
        values.put("train_unembed", lora.output());
        values.put("modules", modules());
        AtomicFile.writeText(folder.resolve(FILE), Json.write(values));
    }

    private List<String> modules() {
        return ((ModuleSelection.Names) config.targets()).names();
    }

    static Map<String, Object> about(Path folder) {
        try {
            if (Json.parse(Files.readString(folder.resolve(FILE))) instanceof Map<?, ?> map) {
                Map<String, Object> values = new LinkedHashMap<>();
                map.forEach((key, value) -> values.put((String) key, value));
                return values;
            }
            throw new CheckpointException(folder + "/" + FILE + " is no JSON object");
        } catch (IOException | JsonException e) {
            throw new CheckpointException(
                    "%s/%s can't be read: %s".formatted(folder, FILE, e.getMessage()), e);
        }
    }

    static Lora read(Path folder) {
        Map<String, Object> values = about(folder);
        if (values.get("rank") instanceof Long rank
                && values.get("seed") instanceof Long seed
                && values.get("train_attn") instanceof Boolean attention
                && values.get("train_mlp") instanceof Boolean feedForward
                && values.get("train_unembed") instanceof Boolean output) {
            return new Lora(Math.toIntExact(rank), seed, attention, feedForward, output);
        }
        throw new CheckpointException(folder + "/" + FILE + " doesn't say which adapter it has");
    }

    /// @throws CheckpointException if a folder holds an adapter of other modules or ranks
    void requireSame(Path folder) {
        Lora other = read(folder);
        if (other.rank() != lora.rank() || !modules().equals(about(folder).get("modules"))) {
            throw new CheckpointException(
                    "the checkpoint has an adapter of rank %d%s, and this one has rank %d%s; open a training of the same rank and modules"
                            .formatted(
                                    other.rank(), described(other), lora.rank(), described(lora)));
        }
    }

    private static String described(Lora lora) {
        return " (attention: %s, feed-forward: %s, output layer: %s)"
                .formatted(lora.attention(), lora.feedForward(), lora.output());
    }
}
