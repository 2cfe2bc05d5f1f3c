package org.attune.cli.mcp;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.json.Json;

/// Something that a client can have done.
///
/// @param name by which it is called
/// @param title for people
/// @param description for the model that chooses
/// @param effect on files and processes
/// @param schema of the arguments
/// @param work does it
record Tool(
        String name, String title, String description, Effect effect, Schema schema, Work work) {

    /// Does what a tool is for.
    @FunctionalInterface
    interface Work {
        /// @throws org.attune.error.AttuneException if the arguments or what they name are wrong
        Answer call(ToolCall call) throws InterruptedException;
    }

    /// What a call gave.
    ///
    /// @param text that the client's model reads
    /// @param structured the same for programs; null if the text is all
    record Answer(String text, ObjectNode structured) {
        static Answer of(String text) {
            return new Answer(text, null);
        }

        static Answer of(ObjectNode structured) {
            return new Answer(Json.pretty(structured), structured);
        }
    }

    /// What a tool does to files and processes, by the hints of the protocol.
    enum Effect {
        /// Reads files of this machine.
        LOOKS(true, false, true, false),
        /// Reads, computes, and may download a model.
        COMPUTES(true, false, true, true),
        /// Writes new files or starts a process; replaces nothing.
        ADDS(false, false, false, true),
        /// Replaces a file.
        REPLACES(false, true, true, false),
        /// Ends a process.
        ENDS(false, true, true, false);

        private final boolean readOnly;
        private final boolean destructive;
        private final boolean idempotent;
        private final boolean openWorld;

        Effect(boolean readOnly, boolean destructive, boolean idempotent, boolean openWorld) {
            this.readOnly = readOnly;
            this.destructive = destructive;
            this.idempotent = idempotent;
            this.openWorld = openWorld;
        }
    }

    /// The entry of `tools/list`.
    ObjectNode listed() {
        ObjectNode entry = Json.object();
        entry.put("name", name).put("title", title).put("description", description);
        entry.set("inputSchema", schema.json());
        entry.putObject("annotations")
                .put("title", title)
                .put("readOnlyHint", effect.readOnly)
                .put("destructiveHint", effect.destructive)
                .put("idempotentHint", effect.idempotent)
                .put("openWorldHint", effect.openWorld);
        return entry;
    }
}
