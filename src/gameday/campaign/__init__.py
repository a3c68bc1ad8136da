"""A campaign: the same drill again and again, each as ``chaos run`` in a process and on a lab of its own."""
