package org.attune.agents.builtin;

import org.attune.agents.sandbox.Guarantees;
import org.attune.agents.sandbox.Sandbox;
import org.attune.agents.sandbox.SandboxConfig;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Tools that run code of a model in a sandbox. Those of one episode share a folder, which is empty
/// when it begins and deleted when it ends.
final class CodeTools implements ToolSetFactory {
    private final Sandbox sandbox;
    private final Interpreters interpreters;
    private final CodeConfig config;
    private final Map<Language, String> names;

    private CodeTools(
            Sandbox sandbox,
            Interpreters interpreters,
            CodeConfig config,
            Map<Language, String> names) {
        this.sandbox = sandbox;
        this.interpreters = interpreters;
        this.config = config;
        this.names = names;
    }

    /// Finds the interpreters and opens the sandbox, which takes about a second.
    ///
    /// @param names of the tools, by language, at least one
    /// @param python a Python to take instead of the first on the search path
    /// @throws ConfigException if an interpreter is missing, the sandbox guarantees less than is
    ///     required, or a session is asked for that no language has
    /// @throws InterruptedException if the caller is to stop
    public static CodeTools open(
            Map<Language, String> names, CodeConfig config, Optional<Path> python)
            throws InterruptedException {
        if (config.isSession() && names.keySet().stream().noneMatch(Language::hasSessions)) {
            throw new ConfigException(
                    "'session' keeps an interpreter with its variables; Java has none, since each"
                        + " call is a whole program. Leave it out: files are kept between calls");
        }
        SandboxConfig limits = config.sandbox();
        Interpreters interpreters = Interpreters.find(names.keySet(), python, limits.read());
        List<Path> read = new ArrayList<>(limits.read());
        read.addAll(interpreters.folders());
        return new CodeTools(
                Sandbox.open(limits.withRead(read)),
                interpreters,
                config,
                Collections.unmodifiableMap(new EnumMap<>(names)));
    }

    /// What holds on this machine.
    public Guarantees guarantees() {
        return sandbox.guarantees();
    }

    CodeConfig config() {
        return config;
    }

    Map<Language, String> names() {
        return names;
    }

    /// @throws IOException if the episode's folder can't be made
    @Override
    public ToolSet open(EpisodeStart start) throws IOException {
        try {
            return new EpisodeCode(sandbox, interpreters, config, names);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while an episode's files were made");
        }
    }

    /// Closes the sandbox, after the tool sets.
    @Override
    public void close() {
        sandbox.close();
    }
}
