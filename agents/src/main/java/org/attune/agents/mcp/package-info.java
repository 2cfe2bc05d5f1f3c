/// Tools of servers that speak the Model Context Protocol, as programs or over HTTP.
///
/// The client is Attune's: it needs three requests of the protocol, `initialize`, `tools/list` and
/// `tools/call`, and the guarantees that training needs. A call is sent once, a server is killed
/// with its children, and no thread waits for ever. The official SDK would bring an asynchronous
/// framework and another JSON mapper, and its transports give none of the three.
package org.attune.agents.mcp;
