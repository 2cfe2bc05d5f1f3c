package org.attune.agents.builtin;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolLimits;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSpec;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A tool that runs code of one language.
final class CodeTool implements Tool {
    /// Until a program runs, and from its end until its processes are gone, on a busy machine. The
    /// program's own time is counted apart.
    private static final Duration AROUND = Duration.ofSeconds(30);

    private final ToolSpec spec;
    private final Language language;
    private final CodeConfig config;
    private final EpisodeCode code;

    CodeTool(String name, Language language, CodeConfig config, EpisodeCode code) {
        this.spec = spec(name, language, config);
        this.language = language;
        this.config = config;
        this.code = code;
    }

    private static ToolSpec spec(String name, Language language, CodeConfig config) {
        Map<String, Object> argument = new LinkedHashMap<>();
        argument.put("type", "string");
        argument.put("description", language.form());
        Map<String, Object> parameters = new LinkedHashMap<>();
        parameters.put("type", "object");
        parameters.put("properties", Map.of(language.argument(), argument));
        parameters.put("required", List.of(language.argument()));
        String kept =
                config.isSession() && language.hasSessions()
                        ? " Variables and files are kept between calls."
                        : " Files are kept between calls.";
        return new ToolSpec(name, language.description() + kept, parameters);
    }

    @Override
    public ToolSpec spec() {
        return spec;
    }

    @Override
    public ToolResult call(Map<String, Object> arguments, ToolContext context) throws Exception {
        return code.run(language, (String) arguments.get(language.argument()));
    }

    @Override
    public ToolLimits limits() {
        return new ToolLimits(config.timeout().plus(AROUND), true);
    }
}
