// $(NAME) in commands, arguments and environments.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace opsmesh::kubesim {

/// "$(NAME)" becomes the variable's value; what is not known stays as it is; "$$" becomes "$", so
/// that
/// "$$(NAME)" is "$(NAME)". A value is not looked at again.
std::string ExpandReferences(std::string_view text,
                             const std::map<std::string, std::string>& variables);

}  // namespace opsmesh::kubesim
