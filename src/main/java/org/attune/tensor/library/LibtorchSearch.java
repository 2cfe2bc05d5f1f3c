package org.attune.tensor.library;

import org.attune.error.ConfigException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/// Which libtorch a process uses. Without anything set it is the 2.7.1 that Attune brings along.
/// Otherwise the first of:
/// 1. `-Dattune.libtorch` or `ATTUNE_LIBTORCH`: a folder, `environment` or `default`
/// 2. `PYTORCH_LIBRARY_PATH`: a folder
/// 3. the active environment of Python (`VIRTUAL_ENV`, `CONDA_PREFIX`), where its torch computes
///    with CUDA and this machine has a driver. On other machines an environment that happens to be
///    active must not change a run's numbers.
///
/// @param environment variables of the process
/// @param property value of `attune.libtorch`, or null
/// @param driver whether the machine has CUDA's driver
public record LibtorchSearch(
        Map<String, String> environment, String property, BooleanSupplier driver) {
    /// The system property.
    public static final String PROPERTY = "attune.libtorch";

    /// The variable that says the same.
    public static final String VARIABLE = "ATTUNE_LIBTORCH";

    private static final Logger LOG = LoggerFactory.getLogger(LibtorchSearch.class);
    private static final String DJLS = "PYTORCH_LIBRARY_PATH";
    private static final List<String> ENVIRONMENTS = List.of("VIRTUAL_ENV", "CONDA_PREFIX");

    /// The search that this process makes.
    public static LibtorchSearch ofProcess() {
        return new LibtorchSearch(
                System.getenv(), System.getProperty(PROPERTY), LibtorchLoader::hasCudaDriver);
    }

    /// Looks for the libtorch that the process is to use.
    ///
    /// @return empty for Attune's own
    /// @throws ConfigException if what is named has no libtorch
    public Optional<LibtorchFolder> find() {
        String origin = property == null || property.isBlank() ? VARIABLE : "-D" + PROPERTY;
        String named = origin.equals(VARIABLE) ? variable(VARIABLE) : property;
        return switch (named) {
            case "" -> unnamed();
            case "default" -> Optional.empty();
            case "environment" -> Optional.of(active().orElseThrow(() -> noEnvironment(origin)));
            default -> Optional.of(named(named, origin));
        };
    }

    private String variable(String name) {
        return environment.getOrDefault(name, "").strip();
    }

    private static LibtorchFolder named(String folder, String origin) {
        return LibtorchFolder.within(Path.of(folder), origin)
                .orElseThrow(
                        () ->
                                new ConfigException(
                                        ("%s: %s has no %s, nor has its lib, torch/lib or"
                                             + " lib/python3*/site-packages/torch/lib. Name the"
                                             + " folder of a libtorch 2.10 or newer, or"
                                             + " \"environment\" for the active Python"
                                             + " environment's, or \"default\"")
                                                .formatted(
                                                        origin,
                                                        folder,
                                                        System.mapLibraryName("torch_cpu"))));
    }

    private ConfigException noEnvironment(String origin) {
        return new ConfigException(
                ("%s is \"environment\", but no active Python environment has torch: VIRTUAL_ENV is"
                                + " \"%s\", CONDA_PREFIX is \"%s\". Activate one, or name a folder")
                        .formatted(origin, variable("VIRTUAL_ENV"), variable("CONDA_PREFIX")));
    }

    private Optional<LibtorchFolder> unnamed() {
        String djls = variable(DJLS);
        if (!djls.isEmpty()) {
            return LibtorchFolder.within(Path.of(djls), DJLS); // if there is none, DJL says so
        }
        return active().filter(this::isForGpu);
    }

    private Optional<LibtorchFolder> active() {
        return ENVIRONMENTS.stream()
                .filter(name -> !variable(name).isEmpty())
                .flatMap(name -> LibtorchFolder.within(Path.of(variable(name)), name).stream())
                .findFirst();
    }

    private boolean isForGpu(LibtorchFolder found) {
        if (!found.hasCuda() || !driver.getAsBoolean()) {
            return false;
        }
        boolean usable =
                found.versionText()
                        .flatMap(LibtorchVersion::parse)
                        .map(LibtorchVersion::isUsable)
                        .orElse(false);
        if (!usable) {
            LOG.warn(
                    "libtorch {} of the active Python environment is passed over: Attune uses 2.10"
                            + " and newer",
                    found);
        }
        return usable;
    }
}
