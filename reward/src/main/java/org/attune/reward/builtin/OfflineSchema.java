package org.attune.reward.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaException;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.resource.DisallowSchemaLoader;

/// Reads schemas that fetch nothing from the network.
public final class OfflineSchema {
    private OfflineSchema() {}

    /// A schema, of draft 2020-12 unless it names another in `$schema`.
    ///
    /// @throws JsonSchemaException if it can't be used, as one that refers to another document
    public static JsonSchema of(JsonNode source) {
        JsonSchemaFactory factory =
                JsonSchemaFactory.getInstance(
                        VersionFlag.V202012,
                        builder ->
                                builder.schemaLoaders(
                                        loaders ->
                                                loaders.add(DisallowSchemaLoader.getInstance())));
        JsonSchema schema = factory.getSchema(source);
        schema.initializeValidators();
        return schema;
    }
}
