package org.attune.serve;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Adapters that come and go while the model is served: at the start those of the configuration,
/// later those that requests name, if it allows that. Thread-safe.
final class AdapterDesk implements AutoCloseable {
    private static final int MOST_ADAPTERS = 256;

    private final ServedModels models;
    private final LoadedModel loaded;
    private final ModelConfig config;
    private final Optional<Path> folder;
    private int number; // of the next one

    /// @param loaded borrowed
    /// @param config of the base model
    /// @param folder in which adapters of requests are; empty: requests load none
    AdapterDesk(
            ServedModels models, LoadedModel loaded, ModelConfig config, Optional<Path> folder) {
        this.models = models;
        this.loaded = loaded;
        this.config = config;
        this.folder = folder.map(AdapterDesk::real);
    }

    private static Path real(Path folder) {
        try {
            return folder.toRealPath();
        } catch (IOException e) {
            throw ConfigException.about(
                    "adapter_folder", folder + " can't be read: " + e.getMessage());
        }
    }

    /// Adds an adapter.
    ///
    /// @param place its folder, or its name on the Hub
    /// @throws AttuneException if it can't be read or doesn't fit, or if the name is no name or
    ///     there already
    synchronized void add(String name, String place) {
        if (models.has(name)) {
            throw ConfigException.about("adapter", name + " has already been loaded");
        }
        put(name, place);
    }

    /// Adds an adapter, or replaces the one of that name: what is asked from now on gets the new
    /// one, answers under way keep theirs.
    ///
    /// @param place its folder, or its name on the Hub
    /// @throws AttuneException if it can't be read or doesn't fit, or if the name is no name or the
    ///     model's own
    synchronized void put(String name, String place) {
        if (!name.matches("[\\w.:/@-]{1,200}")) {
            throw ConfigException.about(
                    "adapter",
                    "the name \"%s\" isn't letters, digits, . : / @ _ -".formatted(name));
        }
        if (name.equals(models.base().name())) {
            throw ConfigException.about("adapter", name + " is the name of the model itself");
        }
        if (models.all().size() > MOST_ADAPTERS) {
            throw ConfigException.about(
                    "adapter", "there are %d already; unload one".formatted(MOST_ADAPTERS));
        }
        ModelConfig own = config.withAdapterNameOrPath(place);
        models.put(ServedModel.onBase(name, own, loaded, models.base(), number++));
    }

    /// `/v1/load_lora_adapter`, as vLLM has it.
    void load(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(Set.of("lora_name", "lora_path"), Map.of());
        String name = body.text("lora_name").orElseThrow(() -> body.bad("lora_name", "is missing"));
        String place =
                body.text("lora_path").orElseThrow(() -> body.bad("lora_path", "is missing"));
        add(name, within(body, place).toString());
        call.text("text/plain", "Success: LoRA adapter '%s' added successfully.".formatted(name));
    }

    /// A folder in the one that is allowed, wherever links lead. What is outside is as if it
    /// weren't there.
    private Path within(Fields body, String place) throws ApiException {
        Path allowed =
                folder.orElseThrow(
                        () ->
                                new ApiException(
                                        403,
                                        "not_allowed",
                                        "requests load no adapters here; --adapter-folder allows"
                                                + " those of one folder"));
        try {
            Path path = allowed.resolve(place).toRealPath();
            if (path.startsWith(allowed) && !path.equals(allowed) && Files.isDirectory(path)) {
                return path;
            }
        } catch (IOException | IllegalArgumentException e) {
            // said below
        }
        throw body.bad("lora_path", "is no folder in the one that adapters may be loaded from");
    }

    /// `/v1/unload_lora_adapter`, as vLLM has it. Answers under way go on.
    void unload(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(Set.of("lora_name", "lora_int_id"), Map.of());
        String name = body.text("lora_name").orElseThrow(() -> body.bad("lora_name", "is missing"));
        if (folder.isEmpty()) {
            within(body, name); // says so
        }
        models.remove(name);
        call.text("text/plain", "Success: LoRA adapter '%s' removed successfully.".formatted(name));
    }

    /// Gives up all adapters.
    @Override
    public void close() {
        models.all().forEach(ServedModel::close);
    }
}
