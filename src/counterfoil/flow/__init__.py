"""The road of a return, in the order things happen: receive, translate, route, advance, deliver; and what people do."""
