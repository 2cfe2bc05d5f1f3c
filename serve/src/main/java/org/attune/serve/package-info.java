/// Serves a model and its adapters over HTTP, in the forms of OpenAI's and vLLM's endpoints.
///
/// Read [ModelServer], then [HttpDoor], which lets requests in, and [GenerationDesk], which has
/// their sequences generated.
package org.attune.serve;
