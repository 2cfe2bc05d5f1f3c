package org.attune.agents.spec;

import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.error.ConfigException;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tools and environments of a run. Closing it ends what they share: programs, connections.
///
/// @param tools in the order in which prompts show them, before those of an environment
/// @param environments by name, as a row's column `environment` names them
public record RunTools(List<ToolSetFactory> tools, Map<String, EnvironmentFactory> environments)
        implements AutoCloseable {
    /// No tools and no environments.
    public static final RunTools NONE = new RunTools(List.of(), Map.of());

    public RunTools {
        tools = List.copyOf(tools);
        environments = Collections.unmodifiableMap(new LinkedHashMap<>(environments));
    }

    /// Makes what a run's file says. `tools` is one entry, or a list of
    /// ```
    /// - calculator                                  # built in, by name
    /// - {name: table, file: cities.csv}             # with parameters
    /// - tools/Shop.java                             # a source file
    /// - class:com.acme.Shop                         # a class on the class path
    /// - {command: [python, tools.py], per: episode, timeout: 30}
    /// - {url: "http://localhost:8080/tools"}
    /// - {mcp: {command: [my-server]}}
    /// ```
    /// and `environments` a map of names to
    /// ```
    /// counter: env/Counter.java
    /// shop: {command: [python, shop.py]}
    /// wiki: {url: "http://localhost:8080"}
    /// ```
    /// Every entry of tools may have `only`, the names of the tools to offer.
    ///
    /// @param tools texts, maps, and lists of them, as a YAML reader gives them; null for none
    /// @param environments a map; null for none
    /// @param directory of the run's file: paths are looked for there too, and programs run in it
    /// @throws ConfigException with the problems of all entries
    public static RunTools parse(Object tools, Object environments, Path directory) {
        var problems = new ArrayList<String>();
        var toolEntries = new ToolEntries(directory, problems).all(tools);
        var environmentEntries = new EnvironmentEntries(directory, problems).all(environments);
        var run = new RunTools(toolEntries, environmentEntries);
        if (!problems.isEmpty()) {
            run.close();
            throw new ConfigException(String.join("\n", problems));
        }
        return run;
    }

    /// Names of all kinds of tools that are on the class path, Attune's too; see [ToolKind].
    ///
    /// @throws org.attune.error.ConfigException if one can't be made, or has the name of another
    public static Set<String> kinds() {
        return ToolEntries.kinds().keySet();
    }

    @Override
    public void close() {
        tools.forEach(ToolSetFactory::close);
        environments.values().forEach(EnvironmentFactory::close);
    }
}
