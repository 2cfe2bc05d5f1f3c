package org.attune.cli.serve;

import org.attune.error.ConfigException;
import org.attune.files.AtomicFolder;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.serve.Fields;
import org.attune.serve.HttpDoor.Served;
import org.attune.trainers.service.AdapterTraining;
import org.attune.trainers.service.AdapterTraining.Lora;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// The checkpoints of trainings, each a folder of the server's own.
///
/// @param root where they are
record TinkerCheckpoints(Served served, Path root) {
    /// Writes what a training has now.
    ///
    /// @throws ConfigException if the name is taken
    void write(TinkerRun run, TinkerPath path, boolean overwrite) throws IOException {
        Path target = path.below(root);
        if (Files.exists(target) && !overwrite) {
            throw new ConfigException(
                    path + " is there already; choose another name, or say overwrite: true");
        }
        try (AtomicFolder folder = AtomicFolder.create(target)) {
            run.training()
                    .save(
                            folder.path(),
                            served.model().setup().source().nameOrPath(),
                            Map.of(
                                    "base_model",
                                    served.name(),
                                    "time",
                                    Instant.now().toString(),
                                    "steps",
                                    run.training().steps()));
            folder.commit();
        }
    }

    /// Where a checkpoint is.
    ///
    /// @throws ApiException if there is none of this name
    Path there(TinkerPath path) {
        Path folder = path.below(root);
        if (!Files.isDirectory(folder)) {
            throw new ApiException(404, "not_found", "there is no checkpoint " + path);
        }
        return folder;
    }

    /// `weights_info`
    void describe(Call call) throws IOException {
        Fields body = call.body();
        body.require(Set.of("tinker_path"), Map.of());
        Path folder =
                there(TinkerPath.read("tinker_path", TinkerDesk.required(body, "tinker_path")));
        Lora lora = AdapterTraining.in(folder);
        call.json(
                Map.of(
                        "base_model", AdapterTraining.about(folder).get("base_model"),
                        "is_lora", true,
                        "lora_rank", (long) lora.rank(),
                        "train_unembed", lora.output(),
                        "train_mlp", lora.feedForward(),
                        "train_attn", lora.attention()));
    }

    /// `training_runs/ID/checkpoints`
    void list(Call call) throws IOException {
        String[] parts = call.name().split("/", -1);
        if (parts.length != 2 || !parts[1].equals("checkpoints")) {
            throw new ApiException(404, "not_found", "there is training_runs/ID/checkpoints");
        }
        List<Map<String, Object>> all = new ArrayList<>();
        for (String kind : List.of(TinkerPath.WEIGHTS, TinkerPath.SAMPLER)) {
            Path folder = TinkerPath.folder(root, parts[0]).resolve(kind);
            if (Files.isDirectory(folder)) {
                try (Stream<Path> names = Files.list(folder)) {
                    for (Path one : names.sorted().toList()) {
                        String name = one.getFileName().toString();
                        if (!name.startsWith(".")) {
                            all.add(entry(new TinkerPath(parts[0], kind, name), one));
                        }
                    }
                }
            }
        }
        call.json(Map.of("checkpoints", all));
    }

    private static Map<String, Object> entry(TinkerPath path, Path folder) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("checkpoint_id", path.kind() + "/" + path.name());
        entry.put(
                "checkpoint_type", path.kind().equals(TinkerPath.WEIGHTS) ? "training" : "sampler");
        entry.put("time", AdapterTraining.about(folder).get("time"));
        entry.put("tinker_path", path.toString());
        return entry;
    }

    /// `DELETE training_runs/ID/checkpoints/KIND/NAME`
    void delete(Call call) throws IOException {
        String[] parts = call.name().split("/", -1);
        if (parts.length != 4
                || !parts[1].equals("checkpoints")
                || !Set.of(TinkerPath.WEIGHTS, TinkerPath.SAMPLER).contains(parts[2])) {
            throw new ApiException(
                    404, "not_found", "there is training_runs/ID/checkpoints/weights/NAME");
        }
        AtomicFolder.deleteWhole(there(new TinkerPath(parts[0], parts[2], parts[3])));
        call.exchange().sendResponseHeaders(204, -1);
    }
}
