"""What strict modes take of a JSON Schema, and strict versions of schemas."""
