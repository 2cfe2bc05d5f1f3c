package org.attune.agents.mcp;

import org.attune.agents.spec.ToolKind;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.agents.wire.WireParameters;
import org.attune.program.LineProgram;
import org.attune.reward.builtin.Parameters;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// `mcp`: the tools of a server that speaks the Model Context Protocol. Parameters: `command` with
/// `env` (variables of its environment), or `url` with `headers`; `per`: `run`, one server for all
/// episodes, or `episode`, another one for each; `timeout`, `slowness` and `max_characters` as for
/// programs. Values of `env` and `headers` may name variables, as `$TOKEN`.
public final class McpKind implements ToolKind {
    @Override
    public String name() {
        return "mcp";
    }

    @Override
    public ToolSetFactory open(Parameters parameters, Path directory) {
        Duration timeout = WireParameters.timeout(parameters);
        boolean isPerEpisode = parameters.choice("per", "run", "episode").equals("episode");
        boolean isProgram = parameters.has("command");
        McpTools.Opener opener =
                isProgram ? program(parameters, directory, timeout) : server(parameters, timeout);
        var limits = WireParameters.limits(parameters);
        parameters.check();
        return new McpTools(opener, isPerEpisode, limits);
    }

    private static McpTools.Opener program(
            Parameters parameters, Path directory, Duration timeout) {
        List<String> command = WireParameters.command(parameters, directory);
        Map<String, String> environment = parameters.variables("env");
        String name = Path.of(command.getFirst()).getFileName().toString();
        return () ->
                new StdioChannel(
                        LineProgram.start("mcp-" + name, command, directory, environment),
                        command.toString(),
                        timeout);
    }

    private static McpTools.Opener server(Parameters parameters, Duration timeout) {
        URI url = WireParameters.url(parameters, "url");
        Map<String, String> headers = parameters.variables("headers");
        return () -> new HttpChannel(url, headers, timeout);
    }
}
